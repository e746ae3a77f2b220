/**
 * What an endpoint says of its own load: an ORCA report (xds.data.orca.v3.OrcaLoadReport), a probe's answer, or a scrape,
 * in one shape. Every field is optional: an endpoint tells what it knows.
 *
 * Utilisations are fractions of what the endpoint may use: 0 idle, 1 full, above 1 past a soft limit. Rates are per
 * second over all callers, not only this gateway. Numbers are finite and not negative; whoever builds a report
 * (core/signals/orca.ts, a scraper) leaves out what is not.
 */
export interface LoadReport {
  /** Of the processors. */
  readonly cpu?: number;
  /** Of the memory. */
  readonly memory?: number;
  readonly network?: number;
  readonly disk?: number;
  readonly gpu?: number;
  /** The application's own verdict on how full it is: goes before all of the above (gRFC A114). */
  readonly application?: number;
  readonly requestsPerSec?: number;
  readonly errorsPerSec?: number;
  /** Requests in the endpoint's hands now, from all callers: Prequal's RIF. */
  readonly inFlight?: number;
  /** How long an answer takes at the current load, by the endpoint's own clock. */
  readonly latencyMs?: number;
  /** Network throughput [Mbit/s]: the source text's `network_throughput`, which its formula divides by 1000. */
  readonly networkMbitPerSec?: number;
  /** Everything else it named, as named: `kv_cache`, `queue_depth`, ... */
  readonly named?: Readonly<Record<string, number>>;
}
