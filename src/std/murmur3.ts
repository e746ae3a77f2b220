/**
 * Text to a well-mixed 32-bit number: MurmurHash3_x86_32 (Austin Appleby, public domain) over UTF-16 code units.
 *
 * Not for secrets, and not against those who choose keys to collide. It reads the text in place, two units to the
 * block, and so allocates nothing; over ASCII its values therefore differ from those of the byte-wise original.
 *
 * Invariant: same text and seed, same number, on every machine and in every release: hash tables of
 * several gateways must agree.
 */
const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** Signed 32-bit. */
export function murmur3(text: string, seed: number): number {
  let hash = seed | 0;
  const pairs = text.length & ~1;
  for (let i = 0; i < pairs; i += 2) {
    hash ^= scrambled(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  if (pairs < text.length) hash ^= scrambled(text.charCodeAt(pairs));
  return mixed(hash ^ text.length);
}

/** Murmur's finaliser: every bit of the input moves every bit of the output. A bijection of 32-bit numbers. */
export function mixed(word: number): number {
  let hash = word ^ (word >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function scrambled(block: number): number {
  const word = Math.imul(block, C1);
  return Math.imul((word << 15) | (word >>> 17), C2);
}
