/**
 * What is counted about health: ejections by pool and reason, and how many endpoints are out now.
 */
import type { EjectionReason } from "../../core/health/ejections.ts";
import type { Counter, Labels, Registry } from "./registry.ts";

/** app/live-pool.ts. */
interface JudgedPool {
  readonly key: string;
  readonly brain: { readonly ejectedCount: number };
}

export class HealthMetrics {
  readonly #registry: Registry;
  readonly #ejections: (labels: Labels) => Counter;

  /** `pools`: those of the view at the time of asking. */
  constructor(registry: Registry, pools: () => Iterable<JudgedPool>) {
    this.#registry = registry;
    this.#ejections = registry.counter(
      "plimsoll_ejections_total",
      ["pool", "reason"],
      "Endpoints taken out on the evidence of their own requests, by reason.",
    );
    registry.observed(
      {
        name: "plimsoll_ejected_endpoints",
        type: "gauge",
        labels: ["pool"],
        help: "Endpoints that are ejected now.",
      },
      function* () {
        for (const { key, brain } of pools()) yield { labels: { pool: key }, value: brain.ejectedCount };
      },
    );
  }

  ejected(pool: string, reason: EjectionReason): void {
    this.#ejections({ pool, reason }).add();
  }

  /** Forgets pools that are no more. */
  retainPools(keys: Iterable<string>): void {
    this.#registry.retain("pool", new Set(keys));
  }
}
