/**
 * Chance, seeded: xoshiro128** by Blackman and Vigna (prng.di.unimi.it), in 32-bit integer arithmetic.
 *
 * Chosen because it needs no BigInt and no double multiplication, passes the usual batteries, and has a period
 * of 2^128 - 1. Not for secrets. The seed is spread over the four words by SplitMix32, so that seeds that
 * differ in one bit give unrelated streams and the forbidden all-zero state cannot arise.
 *
 * Invariant: same seed, same sequence of calls, same numbers, on every machine.
 */
export interface Prng {
  /** Uniform integer in [0, 2^32). */
  uint32(): number;
  /** Uniform in [0, 1), a multiple of 2^-32. */
  float(): number;
  /**
   * Uniform integer in [0, n) for 1 <= n <= 2^21, by multiply-high: no rejection loop, and the bias, at most
   * n / 2^32, is below one in two thousand even at the limit. Above 2^21 the product would leave the 53 exact bits.
   */
  below(n: number): number;
}

const TWO_TO_MINUS_32 = 1 / 4_294_967_296;

export function createPrng(seed: number): Prng {
  return new Xoshiro128(seed);
}

/** A generator that goes on as `prng` would, without moving it: for asking "what if". */
export function copyPrng(prng: Prng): Prng {
  if (!(prng instanceof Xoshiro128)) throw new Error("only generators of createPrng can be copied");
  return prng.copy();
}

class Xoshiro128 implements Prng {
  /** In a typed array rather than fields: no word is ever boxed, whatever the engine's small-integer width. */
  readonly #state: Int32Array;

  constructor(seed: number) {
    this.#state = new Int32Array(4);
    // Seeds may be any finite number; the fraction is folded in so that 0.1 and 0.2 differ.
    let word = (Math.trunc(seed) ^ Math.trunc((seed - Math.trunc(seed)) * 0x7fffffff)) | 0;
    for (let i = 0; i < 4; i++) {
      word = (word + 0x9e3779b9) | 0;
      let mixed = word ^ (word >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      this.#state[i] = mixed ^ (mixed >>> 15);
    }
  }

  copy(): Xoshiro128 {
    const copied = new Xoshiro128(0);
    copied.#state.set(this.#state);
    return copied;
  }

  uint32(): number {
    return this.#next() >>> 0;
  }

  float(): number {
    return (this.#next() >>> 0) * TWO_TO_MINUS_32;
  }

  below(n: number): number {
    return Math.floor((this.#next() >>> 0) * n * TWO_TO_MINUS_32);
  }

  /** One step, as a signed 32-bit integer. */
  #next(): number {
    const state = this.#state;
    const s1 = state[1]!;
    const scrambled = Math.imul(s1, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    const s2 = state[2]! ^ state[0]!;
    const s3 = state[3]! ^ s1;
    state[1] = s1 ^ s2;
    state[0] = state[0]! ^ s3;
    state[2] = s2 ^ (s1 << 9);
    state[3] = (s3 << 11) | (s3 >>> 21);
    return result;
  }
}
