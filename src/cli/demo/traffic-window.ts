/**
 * What the load has seen over the last seconds: per endpoint its share, latency and failures, counted from real
 * responses (their `x-endpoint` header), not from what the gateway says of itself.
 *
 * A ring of samples with a time bound. Latencies are milliseconds from the request's due time to its last byte, so
 * that waiting anywhere counts. Quantiles are exact: the window holds some hundreds of samples.
 */

export interface Sample {
  readonly atMs: number;
  /** From `x-endpoint`; undefined where the gateway answered by itself or nothing came. */
  readonly endpoint: string | undefined;
  readonly latencyMs: number;
  /** A status below 500 and a complete body. */
  readonly ok: boolean;
}

export interface EndpointTraffic {
  readonly requests: number;
  readonly failures: number;
  /** 0 to 1, of all responses that name an endpoint. */
  readonly share: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

export interface Traffic {
  readonly ratePerSec: number;
  /** In the window. */
  readonly failures: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  readonly endpoints: ReadonlyMap<string, EndpointTraffic>;
}

export const NO_TRAFFIC: EndpointTraffic = {
  requests: 0,
  failures: 0,
  share: 0,
  p50Ms: undefined,
  p99Ms: undefined,
};

/** The smallest value that at least `fraction` of the sorted values do not exceed (nearest rank). */
export function quantile(sorted: readonly number[], fraction: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)];
}

export class TrafficWindow {
  readonly #lengthMs: number;
  /** In order of `atMs`; those before #first are out of the window. */
  #samples: Sample[] = [];
  #first = 0;
  #startedMs: number | undefined;

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  add(sample: Sample): void {
    this.#startedMs ??= sample.atMs;
    this.#samples.push(sample);
  }

  read(nowMs: number): Traffic {
    this.#forget(nowMs - this.#lengthMs);
    const inWindow = this.#samples.slice(this.#first);
    const byEndpoint = Map.groupBy(
      inWindow.filter((sample) => sample.endpoint !== undefined),
      (sample) => sample.endpoint ?? "",
    );
    const named = [...byEndpoint.values()].reduce((sum, list) => sum + list.length, 0);
    const endpoints = new Map<string, EndpointTraffic>();
    for (const [name, list] of byEndpoint) {
      endpoints.set(name, {
        requests: list.length,
        failures: list.filter((sample) => !sample.ok).length,
        share: list.length / named,
        ...latencies(list),
      });
    }
    // At the start the window is not full yet: the rate is over the time that there has been.
    const spanMs = Math.min(this.#lengthMs, nowMs - (this.#startedMs ?? nowMs));
    return {
      ratePerSec: spanMs > 0 ? (inWindow.length / spanMs) * 1000 : 0,
      failures: inWindow.filter((sample) => !sample.ok).length,
      ...latencies(inWindow),
      endpoints,
    };
  }

  #forget(beforeMs: number): void {
    while ((this.#samples[this.#first]?.atMs ?? Infinity) < beforeMs) this.#first += 1;
    // Compact now and then, so that forgetting costs a constant amount per sample.
    if (this.#first > 1024) {
      this.#samples = this.#samples.slice(this.#first);
      this.#first = 0;
    }
  }
}

function latencies(list: readonly Sample[]): Pick<EndpointTraffic, "p50Ms" | "p99Ms"> {
  const sorted = list.map((sample) => sample.latencyMs).toSorted((a, b) => a - b);
  return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
}
