/**
 * Sampler: endpoints in turn, each as often as its weight says, spread evenly and without chance.
 *
 * The static stride of gRPC (grpc-go balancer/weightedroundrobin/scheduler.go): with weights scaled to a maximum of
 * M = 65535, the g-th visit of endpoint i is its turn if (w * g + i * M / 2) mod M >= M - w. Visits are in order, so
 * the left side need not be reckoned but can be kept: a phase per endpoint to which each visit adds w, and whose
 * overflow is the turn. Same sequence, no modulo, no number that grows; and since the phase belongs to the
 * slot, endpoints may come and go without a rebuild. Visits per turn: largest / mean weight.
 *
 * Invariant: 0 <= phase < M; every slot has a weight in [1, M].
 */
import type { Candidates } from "./candidates.ts";

export const STRIDE_MAX = 65_535;

export class StaticStride {
  #weights = new Uint16Array(0);
  #phases = new Int32Array(0);
  #next: number;

  /** `start`: where the first turn begins, so that gateways started together do not go in step. */
  constructor(start: number) {
    this.#next = start;
  }

  copy(): StaticStride {
    const copied = new StaticStride(this.#next);
    copied.#weights = this.#weights.slice();
    copied.#phases = this.#phases.slice();
    return copied;
  }

  /** `ratio`: weight / largest weight. A slot never mentioned has 1. */
  setWeight(slot: number, ratio: number): void {
    this.#makeRoom(slot);
    this.#weights[slot] = Math.max(1, Math.min(STRIDE_MAX, Math.round(ratio * STRIDE_MAX)));
  }

  /** The next in turn. */
  turn(candidates: Candidates): number {
    const n = candidates.size;
    const weights = this.#weights;
    const phases = this.#phases;
    let index = this.#next >= n ? this.#next % n : this.#next;
    let slot = candidates.at(index);
    // A weight is at least 1, so the turn comes after at most M rounds, and after one as a rule: somebody has M.
    for (;;) {
      index = index + 1 === n ? 0 : index + 1;
      // A slot never mentioned has its turn.
      const phase = slot < phases.length ? phases[slot]! + weights[slot]! : STRIDE_MAX;
      if (phase >= STRIDE_MAX) {
        phases[slot] = phase - STRIDE_MAX;
        break;
      }
      phases[slot] = phase;
      slot = candidates.at(index);
    }
    this.#next = index;
    return slot;
  }

  /** The next that was not tried, whatever its weight: retries are rare. Any, if all were. */
  untriedTurn(candidates: Candidates, tried: readonly number[]): number {
    const n = candidates.size;
    let index = this.#next % n;
    for (let step = 0; step < n && tried.includes(candidates.at(index)); step++) index = (index + 1) % n;
    this.#next = (index + 1) % n;
    return candidates.at(index);
  }

  #makeRoom(slot: number): void {
    const before = this.#phases.length;
    if (slot < before) return;
    const capacity = Math.max(16, 2 ** Math.ceil(Math.log2(slot + 1)));
    const weights = new Uint16Array(capacity).fill(STRIDE_MAX);
    weights.set(this.#weights);
    const phases = new Int32Array(capacity);
    phases.set(this.#phases);
    for (let added = before; added < capacity; added++) phases[added] = startPhase(added);
    this.#weights = weights;
    this.#phases = phases;
  }
}

function startPhase(slot: number): number {
  return (slot * (STRIDE_MAX >> 1)) % STRIDE_MAX;
}
