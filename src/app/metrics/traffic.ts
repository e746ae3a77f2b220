/**
 * What is counted about traffic, by route: requests by status class, refusals by name, retries, durations, bytes.
 *
 * A rule asks for its series once, when a view is built, and holds them: counting a request looks nothing up.
 */
import type { RetryCause } from "../../model/policy.ts";
import { REFUSALS, type Refusal } from "../../model/refusal.ts";
import type { Counter, Histogram, Registry } from "./registry.ts";

/** Seconds. From half a millisecond, below which a proxy's own cost shows, to the default request timeout. */
const DURATION_BOUNDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];

const HEDGE_EVENTS = [
  "sent",
  "won",
  "no-other",
  "attempts-spent",
  "not-replayable",
  "pool-slow",
  "retries-full",
  "budget-spent",
] as const;
export type HedgeEvent = (typeof HEDGE_EVENTS)[number];

/** The route label of requests that no rule took. */
const UNROUTED = "";

export interface RouteSeries {
  /** By first digit of the status; 0 for exchanges that ended without one. */
  readonly byClass: readonly Counter[];
  readonly duration: Histogram;
  readonly bytesIn: Counter;
  readonly bytesOut: Counter;
}

export class TrafficMetrics {
  /** For requests that no rule took. */
  readonly unrouted: RouteSeries;
  readonly #registry: Registry;
  readonly #route: (id: string) => RouteSeries;
  readonly #refusals = new Map<Refusal, Counter>();
  readonly #retries = new Map<RetryCause, Counter>();
  readonly #retriesWithheld: Counter;
  readonly #hedges = new Map<HedgeEvent, Counter>();

  constructor(registry: Registry) {
    this.#registry = registry;
    const requests = registry.counter(
      "plimsoll_requests_total",
      ["route", "status"],
      "Requests answered or given up, by route and class of status (none: the exchange ended without an answer).",
    );
    const duration = registry.histogram(
      "plimsoll_request_duration_seconds",
      ["route"],
      "From the request's head to the end of its exchange.",
      DURATION_BOUNDS,
    );
    const bytesIn = registry.counter(
      "plimsoll_request_body_bytes_total",
      ["route"],
      "Bytes of request bodies received.",
    );
    const bytesOut = registry.counter(
      "plimsoll_response_body_bytes_total",
      ["route"],
      "Bytes of response bodies sent.",
    );
    this.#route = (route) => ({
      byClass: ["none", "1xx", "2xx", "3xx", "4xx", "5xx"].map((status) => requests({ route, status })),
      duration: duration({ route }),
      bytesIn: bytesIn({ route }),
      bytesOut: bytesOut({ route }),
    });
    this.unrouted = this.#route(UNROUTED);
    const refusals = registry.counter(
      "plimsoll_refusals_total",
      ["reason"],
      "Answers that Plimsoll gave itself, by reason.",
    );
    for (const reason of Object.keys(REFUSALS) as Refusal[]) this.#refusals.set(reason, refusals({ reason }));
    const retries = registry.counter(
      "plimsoll_retries_total",
      ["cause"],
      "Further attempts, by what made them necessary.",
    );
    for (const cause of ["connect-failure", "refused-stream", "unavailable"] as const) {
      this.#retries.set(cause, retries({ cause }));
    }
    this.#retriesWithheld = registry.counter(
      "plimsoll_retries_withheld_total",
      [],
      "Attempts that the retry budget did not allow.",
    )({});
    const hedges = registry.counter(
      "plimsoll_hedges_total",
      ["event"],
      "Second attempts beside a slow first one: sent, won (answered first), or why one was held back.",
    );
    for (const event of HEDGE_EVENTS) this.#hedges.set(event, hedges({ event }));
  }

  hedge(event: HedgeEvent): void {
    this.#hedges.get(event)!.add();
  }

  route(id: string): RouteSeries {
    return this.#route(id);
  }

  /** Forgets routes that are no more. Exchanges in flight keep theirs, uncounted. */
  retainRoutes(ids: Iterable<string>): void {
    this.#registry.retain("route", new Set([UNROUTED, ...ids]));
  }

  refused(reason: Refusal): void {
    this.#refusals.get(reason)!.add();
  }

  retried(cause: RetryCause): void {
    this.#retries.get(cause)!.add();
  }

  retryWithheld(): void {
    this.#retriesWithheld.add();
  }
}
