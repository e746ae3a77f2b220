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

  #latencyAt(inFlight: number): number {
    const count = Math.min(this.#answers, SAMPLES);
    const places = Array.from({ length: count }, (_, place) => place);
    const near = (place: number): number => Math.abs(this.#inside[place]! - inFlight);
    const nearest = places.toSorted((a, b) => near(a) - near(b)).slice(0, NEAREST);
    const took = nearest.map((place) => this.#tookMs[place]!).toSorted((a, b) => a - b);
    return took[took.length >> 1]!;
  }

  #decay(nowMs: number): void {
    const left = Math.exp((this.#stampMs - nowMs) / AVERAGE_MS);
    this.#stampMs = nowMs;
    this.#requests *= left;
    this.#errors *= left;
  }
}
