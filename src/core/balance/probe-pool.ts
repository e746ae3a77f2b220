/**
 * Prequal's pool of probes: what up to 16 endpoints last said of their load.
 *
 * At most one entry per endpoint, a newer answer taking the older's place. An entry leaves when its uses are spent, when it
 * is older than a second, when the pool is full and it is the oldest, or when it is removed to keep the pool from
 * degrading (good probes are used up, bad ones linger). Entries know their endpoint by slot and generation.
 *
 * Arrays of 16, scanned: at this size a scan is cheaper than any index.
 *
 * Invariant: entries [0, size) are live, in no order, each with at least one use left and a slot of its own.
 */
import type { Columns } from "../signals/columns.ts";
import { nominalWeight } from "./weight.ts";

/** More brings little (paper, section 5.3). */
export const POOL_SIZE = 16;

const PROBE_AGE_MS = 1_000;

const ABSENT = -1;

export class ProbePool {
  size = 0;
  readonly slots = new Int32Array(POOL_SIZE);
  readonly generations = new Int32Array(POOL_SIZE);
  readonly uses = new Int32Array(POOL_SIZE);
  readonly stampMs = new Float64Array(POOL_SIZE);
  /** Requests in flight per unit of weight, those sent since the probe included. */
  readonly rif = new Float64Array(POOL_SIZE);
  /** Failures charged. */
  readonly latencyMs = new Float64Array(POOL_SIZE);
  /** 1 / weight, for RIF counts per unit of weight. */
  readonly perWeight = new Float64Array(POOL_SIZE);

  /** The endpoint may not serve any more. */
  forget(slot: number): void {
    const at = this.indexOf(slot);
    if (at !== ABSENT) this.remove(at);
  }

  indexOf(slot: number): number {
    for (let i = 0; i < this.size; i++) if (this.slots[i] === slot) return i;
    return ABSENT;
  }

  /** A place for the slot's new probe, whose `rif` (per weight) and `latencyMs` the caller writes. */
  place(columns: Columns, slot: number, uses: number, nowMs: number): number {
    let at = this.indexOf(slot);
    if (at === ABSENT) {
      if (this.size === POOL_SIZE) this.remove(this.oldest());
      at = this.size++;
    }
    this.slots[at] = slot;
    this.generations[at] = columns.generation[slot]!;
    this.uses[at] = uses;
    this.stampMs[at] = nowMs;
    this.perWeight[at] = 1 / nominalWeight(columns, slot);
    return at;
  }

  /** Neither too old nor of an endpoint that has gone. */
  isLive(at: number, columns: Columns, nowMs: number): boolean {
    return (
      nowMs - this.stampMs[at]! <= PROBE_AGE_MS &&
      columns.generation[this.slots[at]!] === this.generations[at]
    );
  }

  prune(columns: Columns, nowMs: number): void {
    for (let at = this.size - 1; at >= 0; at--) if (!this.isLive(at, columns, nowMs)) this.remove(at);
  }

  /** Moves the last entry into the gap. */
  remove(at: number): void {
    const last = --this.size;
    this.slots[at] = this.slots[last]!;
    this.generations[at] = this.generations[last]!;
    this.uses[at] = this.uses[last]!;
    this.stampMs[at] = this.stampMs[last]!;
    this.rif[at] = this.rif[last]!;
    this.latencyMs[at] = this.latencyMs[last]!;
    this.perWeight[at] = this.perWeight[last]!;
  }

  /** Of a pool that is not empty. */
  oldest(): number {
    let oldest = 0;
    for (let i = 1; i < this.size; i++) if (this.stampMs[i]! < this.stampMs[oldest]!) oldest = i;
    return oldest;
  }

  copy(): ProbePool {
    const copied = new ProbePool();
    copied.size = this.size;
    copied.slots.set(this.slots);
    copied.generations.set(this.generations);
    copied.uses.set(this.uses);
    copied.stampMs.set(this.stampMs);
    copied.rif.set(this.rif);
    copied.latencyMs.set(this.latencyMs);
    copied.perWeight.set(this.perWeight);
    return copied;
  }
}
