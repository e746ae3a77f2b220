/**
 * What engines say of themselves, as metrics that are read when they are asked for.
 */
import type { Registry } from "../../app/metrics/registry.ts";
import type { EngineState, EngineStates } from "../engines/engine-state.ts";

/** edge/engines/engine-follower.ts. */
export interface EngineSource {
  states(): EngineStates;
}

const FAMILIES: readonly (readonly [
  name: string,
  help: string,
  read: (engine: EngineState) => number | null | undefined,
])[] = [
  ["plimsoll_engine_running", "Requests that the engine says it is working on.", (e) => e.running],
  ["plimsoll_engine_waiting", "Requests that the engine says wait in it.", (e) => e.waiting],
  [
    "plimsoll_engine_kv_used_ratio",
    "Share of its KV cache that the engine says is in use, 0 to 1.",
    (e) => e.kvUsedRatio,
  ],
  [
    "plimsoll_engine_report_age_seconds",
    "How old the engine's newest report is; absent before the first.",
    ({ reportAgeMs }) => (reportAgeMs === null ? null : reportAgeMs / 1000),
  ],
  [
    "plimsoll_engine_cache_blocks",
    "Blocks that the engine's cache events say it holds; absent where nobody listens to them.",
    (e) => e.cacheEvents?.blocks,
  ],
];

export function observeEngines(registry: Registry, engines: EngineSource): void {
  const labels = ["pool", "endpoint"];
  const facts = FAMILIES.map(([name, help]) => ({ name, type: "gauge" as const, labels, help }));
  registry.observedTogether(facts, function* () {
    for (const [pool, endpoints] of engines.states()) {
      for (const [endpoint, state] of endpoints) {
        yield {
          labels: { pool, endpoint },
          values: FAMILIES.map(([, , read]) => read(state) ?? undefined),
        };
      }
    }
  });
}
