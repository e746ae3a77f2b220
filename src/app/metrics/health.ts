/**
 * What is counted about endpoints' health and what they say of it: ejections by pool and reason, how many are out now,
 * and load probes.
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
  readonly #loadProbes: (labels: Labels) => Counter;

  /** `pools`: those of the view at the time of asking. */
  constructor(registry: Registry, pools: () => Iterable<JudgedPool>) {
    this.#registry = registry;
    this.#ejections = registry.counter(
      "plimsoll_ejections_total",
      ["pool", "reason"],
      "Endpoints taken out on the evidence of their own requests, by reason.",
    );
    this.#loadProbes = registry.counter(
      "plimsoll_load_probes_total",
      ["pool", "result"],
      "Load probes that ended: report (the endpoint said how loaded it is), or nothing.",
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

  loadProbed(pool: string, result: "report" | "nothing"): void {
    this.#loadProbes({ pool, result }).add();
  }

  /** Forgets pools that are no more. */
  retainPools(keys: Iterable<string>): void {
    this.#registry.retain("pool", new Set(keys));
  }
}
