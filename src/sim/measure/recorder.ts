/**
 * The recorder: notes what happens while it happens. What becomes of the notes is figures.ts.
 *
 * Calls count by their arrival, from the end of the warm-up on; samples and busy time from there to the end of arrivals.
 */
import type { Scenario } from "../scenario/scenario.ts";
import type { Call, Serving } from "../world/call.ts";
import type { Episode } from "../world/faults.ts";
import type { Fleet } from "../world/fleet.ts";
import type { Ending } from "../world/gateway.ts";
import { CountHistogram } from "./count-histogram.ts";
import { Histogram } from "./histogram.ts";
import { ShareLog } from "./share-log.ts";

export const SAMPLE_MS = 10;
export const SECOND_MS = 1000;

/** An endpoint is hot while it has more than so many times the mean of requests in flight. */
const HOT_RATIO = 2;

export interface SecondOfLatency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly count: number;
}

export class Recorder {
  readonly latency = new Histogram();
  readonly rif = new CountHistogram();
  readonly shares: ShareLog;
  readonly endings: Record<Ending, number> = {
    ok: 0,
    timeout: 0,
    error: 0,
    overloaded: 0,
    refused: 0,
    unfinished: 0,
  };
  /** By second of arrival, warm-up included. */
  readonly offered: Float64Array;
  readonly good: Float64Array;
  /** By second of the end. */
  readonly seconds: SecondOfLatency[] = [];
  /** By episode. */
  readonly hits: Float64Array;
  attempts = 0;
  tries = 0;
  lost = 0;
  /** Time integrals of calls inside the system, for Little's law. */
  callMs = 0;
  /** By server, at the end of the warm-up and of the arrivals. */
  busyFromMs: Float64Array;
  busyUntilMs: Float64Array;
  hotLongestMs = 0;
  readonly #fleet: Fleet;
  readonly #episodes: readonly Episode[];
  readonly #ofSecond = new Histogram();
  readonly #hotSinceMs: Float64Array;

  constructor(scenario: Scenario, fleet: Fleet, episodes: readonly Episode[]) {
    const seconds = Math.ceil(scenario.durationMs / SECOND_MS);
    const servers = fleet.servers.length;
    this.#fleet = fleet;
    this.#episodes = episodes;
    this.shares = new ShareLog(servers, scenario.durationMs);
    this.offered = new Float64Array(seconds);
    this.good = new Float64Array(seconds);
    this.hits = new Float64Array(episodes.length);
    this.busyFromMs = new Float64Array(servers);
    this.busyUntilMs = new Float64Array(servers);
    this.#hotSinceMs = new Float64Array(servers).fill(-1);
  }

  started(call: Call): void {
    const second = Math.floor(call.startedMs / SECOND_MS);
    this.offered[second] = this.offered[second]! + 1;
  }

  sent(call: Call, server: Serving, nowMs: number): void {
    this.shares.add(server.index, nowMs);
    call.faulty = server.condition.faults > 0;
    if (!call.faulty) return;
    for (const [index, { servers, fromMs, untilMs }] of this.#episodes.entries()) {
      if (nowMs >= fromMs && nowMs <= untilMs && servers.some(({ index: sick }) => sick === server.index))
        this.hits[index] = this.hits[index]! + 1;
    }
  }

  finished(call: Call, ending: Ending, nowMs: number): void {
    const tookMs = nowMs - call.startedMs;
    if (ending === "ok") {
      const second = Math.floor(call.startedMs / SECOND_MS);
      this.good[second] = this.good[second]! + 1;
    }
    const timed = ending === "ok" || ending === "timeout" || ending === "unfinished";
    if (timed) this.#ofSecond.add(tookMs);
    if (!call.measured) return;
    this.endings[ending]++;
    this.attempts += call.attemptsInAll;
    this.tries += call.tries;
    this.callMs += tookMs;
    if (timed) this.latency.add(tookMs);
    if (ending !== "ok" && (call.faulty || (call.server?.condition.faults ?? 0) > 0)) this.lost++;
  }

  /** Every SAMPLE_MS. */
  sample(nowMs: number): void {
    const { servers } = this.#fleet;
    let sum = 0;
    let members = 0;
    for (const server of servers) {
      if (!this.#fleet.isMember(server.index)) continue;
      this.rif.add(server.openAttempts);
      sum += server.openAttempts;
      members++;
    }
    const hot = (HOT_RATIO * sum) / members;
    for (const { index, openAttempts } of servers) {
      if (openAttempts <= hot) this.#hotSinceMs[index] = -1;
      else if (this.#hotSinceMs[index]! < 0) this.#hotSinceMs[index] = nowMs;
      else this.hotLongestMs = Math.max(this.hotLongestMs, nowMs - this.#hotSinceMs[index]!);
    }
  }

  second(): void {
    const latency = this.#ofSecond;
    this.seconds.push({
      p50Ms: latency.quantile(0.5),
      p99Ms: latency.quantile(0.99),
      count: latency.count,
    });
    latency.clear();
  }

  busyFrom(): void {
    this.busyFromMs = Float64Array.from(this.#fleet.servers, (server) => server.busyMs);
  }

  busyUntil(): void {
    this.busyUntilMs = Float64Array.from(this.#fleet.servers, (server) => server.busyMs);
  }
}
