/**
 * Cells: a proxy in a scenario in a round, each with a fleet, an instance and clients of its own.
 */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { output, stopAll } from "../lib/children.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import type { LoadResult } from "./load-client.ts";
import type { BenchOptions } from "./options.ts";
import type { Proxy } from "./proxies/proxy.ts";
import type { Scenario, ScenarioName } from "./scenarios.ts";

export interface Cell extends LoadResult {
  readonly round: number;
  readonly scenario: ScenarioName;
  readonly proxy: string;
  /** What the requests were drawn from, and the number of the first that counts. */
  readonly seed: number;
  readonly warmUp: number;
  /** Requests that each endpoint got, retries included. */
  readonly attempts: readonly number[];
}

/** One proxy, ready: its fleet, its port. */
interface Lane {
  readonly proxy: Proxy;
  readonly fleet: Fleet;
  readonly port: number;
}

/** One cell for each of the proxies, all at the same time: load begins when the last of them has started. */
export async function measure(
  { seconds, warmUpSeconds, seed }: BenchOptions,
  folder: string,
  scenario: Scenario,
  proxies: readonly Proxy[],
  round: number,
): Promise<readonly Cell[]> {
  const { name, ratePerSec } = scenario;
  // Another one each round, the same one for all proxies.
  const roundSeed = seed * 1000 + round;
  const warmUp = ratePerSec * warmUpSeconds;
  const begin = async (proxy: Proxy): Promise<Lane> => {
    const fleet = await startFleet(scenario, roundSeed, warmUp);
    const { port } = await proxy.start(fleet.ports, mkdtempSync(join(folder, "proxy-")));
    return { proxy, fleet, port };
  };
  const load = async ({ proxy, fleet, port }: Lane): Promise<Cell> => {
    const words = [port, ratePerSec, roundSeed, warmUp, ratePerSec * seconds].map(String);
    const script = join(import.meta.dirname, "load-client.ts");
    const result = JSON.parse(await output(process.execPath, [script, ...words])) as LoadResult;
    const attempts = await fleet.attempts();
    return { round, scenario: name, proxy: proxy.name, seed: roundSeed, warmUp, attempts, ...result };
  };
  try {
    const lanes = await Promise.all(proxies.map(begin));
    return await Promise.all(lanes.map(load));
  } finally {
    await stopAll();
  }
}
