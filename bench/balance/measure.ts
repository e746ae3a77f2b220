/**
 * One cell: one proxy in one scenario in one round, with a fleet, an instance and clients of its own.
 */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { output, stop } from "../lib/children.ts";
import { startFleet } from "./fleet.ts";
import type { LoadResult } from "./load-client.ts";
import type { BenchOptions } from "./options.ts";
import type { Proxy } from "./proxies/proxy.ts";
import type { Scenario, ScenarioName } from "./scenarios.ts";

export interface Cell extends LoadResult {
  readonly round: number;
  readonly scenario: ScenarioName;
  readonly proxy: string;
  /** Requests that each endpoint got, retries included. */
  readonly attempts: readonly number[];
}

export async function measure(
  { seconds, warmUpSeconds, seed }: BenchOptions,
  folder: string,
  scenario: Scenario,
  proxy: Proxy,
  round: number,
): Promise<Cell> {
  const { name, ratePerSec } = scenario;
  // Another one each round, the same one for all proxies.
  const roundSeed = seed * 1000 + round;
  const warmUp = ratePerSec * warmUpSeconds;
  const fleet = await startFleet(scenario, roundSeed, warmUp);
  try {
    const running = await proxy.start(fleet.ports, mkdtempSync(join(folder, "proxy-")));
    try {
      const words = [running.port, ratePerSec, roundSeed, warmUp, ratePerSec * seconds].map(String);
      const script = join(import.meta.dirname, "load-client.ts");
      const result = JSON.parse(await output(process.execPath, [script, ...words])) as LoadResult;
      return { round, scenario: name, proxy: proxy.name, attempts: await fleet.attempts(), ...result };
    } finally {
      await stop(running.child);
    }
  } finally {
    await stop(fleet.child);
  }
}
