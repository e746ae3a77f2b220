/**
 * What a simulated endpoint knows of its own load, as one that speaks ORCA or answers Prequal's probes would report it.
 *
 * - cpu: busy slots over slots, an average over about a second.
 * - requests and errors per second: likewise.
 * - in flight: requests inside, waited for or not. An endpoint does not know who has left.
 * - latency: the median of the NEAREST of its last SAMPLES answers whose requests found about as many inside as there are now
 *   (Prequal, section 4: the latency to expect at the present load). The endpoint's own time, without the network.
 *
 * Times in ms.
 */
import type { LoadReport } from "../../model/load-report.ts";

const AVERAGE_MS = 1000;
const SAMPLES = 16;
const NEAREST = 5;

export class LoadMeter {
  #busy = 0;
  #stampMs = 0;
  #requests = 0;
  #errors = 0;
  /** The latest answers: how long they took, and how many were inside when they came. */
  readonly #tookMs = new Float64Array(SAMPLES);
  readonly #inside = new Float64Array(SAMPLES);
  /** Of the answers nearest to the present load: how far, and how long they took. */
  readonly #distances = new Float64Array(NEAREST);
  readonly #nearest = new Float64Array(NEAREST);
  #answers = 0;

  /** For so long up to `nowMs` this share of the slots was busy. */
  passed(busyRatio: number, passedMs: number): void {
    this.#busy += (busyRatio - this.#busy) * (1 - Math.exp(-passedMs / AVERAGE_MS));
  }

  /** `inside`: how many the request found when it came. */
  answered(failed: boolean, tookMs: number, inside: number, nowMs: number): void {
    this.#decay(nowMs);
    // An average over AVERAGE_MS of a rate per second.
    this.#requests += 1000 / AVERAGE_MS;
    if (failed) {
      this.#errors += 1000 / AVERAGE_MS;
      return;
    }
    const place = this.#answers++ % SAMPLES;
    this.#tookMs[place] = tookMs;
    this.#inside[place] = inside;
  }

  report(inFlight: number, nowMs: number): LoadReport {
    this.#decay(nowMs);
    const known = { cpu: this.#busy, requestsPerSec: this.#requests, errorsPerSec: this.#errors, inFlight };
    return this.#answers === 0 ? known : { ...known, latencyMs: this.#latencyAt(inFlight) };
  }

  /** Two insertion sorts of a handful: no allocation, for it is asked with every answer. */
  #latencyAt(inFlight: number): number {
    const count = Math.min(this.#answers, SAMPLES);
    let kept = 0;
    for (let place = 0; place < count; place++) {
      const distance = Math.abs(this.#inside[place]! - inFlight);
      if (kept === NEAREST && distance >= this.#distances[kept - 1]!) continue;
      if (kept < NEAREST) kept++;
      insert(this.#distances, this.#nearest, kept, distance, this.#tookMs[place]!);
    }
    for (let i = 1; i < kept; i++)
      insert(this.#nearest, this.#distances, i + 1, this.#nearest[i]!, this.#distances[i]!);
    return this.#nearest[kept >> 1]!;
  }

  #decay(nowMs: number): void {
    const left = Math.exp((this.#stampMs - nowMs) / AVERAGE_MS);
    this.#stampMs = nowMs;
    this.#requests *= left;
    this.#errors *= left;
  }
}

/** Puts `key` in its place among the first `size - 1` keys, which are in order, and `value` into the same place. */
function insert(keys: Float64Array, values: Float64Array, size: number, key: number, value: number): void {
  let place = size - 1;
  for (; place > 0 && keys[place - 1]! > key; place--) {
    keys[place] = keys[place - 1]!;
    values[place] = values[place - 1]!;
  }
  keys[place] = key;
  values[place] = value;
}
