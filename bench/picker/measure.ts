/**
 * One measurement of one load, with the picker and without it, and of a picker that nobody asks.
 */
import { join } from "node:path";
import { familyOf, fineCpuSeconds } from "../lib/processes.ts";
import { output, sleep, stop } from "../lib/children.ts";
import type { LoadResult } from "./load-client.ts";
import type { BenchOptions, Load } from "./options.ts";
import { sharesOf } from "./profile.ts";
import {
  startEngines,
  startEnvoy,
  startPicker,
  type Engines,
  type EnvoyProcess,
  type PickerProcess,
} from "./stage.ts";

/** Model servers behind the loads. Few, so that what a request costs is not hidden by the reading of metrics pages. */
export const ENGINES = 8;
export const IDLE_ENGINES = 100;
/**
 * Connections are opened and code is compiled before anything counts, for neither is a part of what a request costs in the long run.
 * The rarer loads would take minutes to compile anything, so short prompts go first, as many as a picker sees in a minute or less.
 */
const WARM_UP: Load = { name: "warm-up", tokens: 1000, events: 0, ratePerSec: 300 };
const WARM_UP_SECONDS = 10;
const OWN_WARM_UP_SECONDS = 3;

export interface Side {
  readonly requests: number;
  readonly errors: number;
  readonly firstByteP50Ms: number;
  readonly firstByteP99Ms: number;
  readonly totalP50Ms: number;
  readonly lateP99Ms: number;
  readonly envoyMsPerRequest: number;
}

export interface Round {
  readonly load: string;
  readonly bare: Side;
  readonly picked: Side;
  /** Of the picker's processor time, less what it takes when nobody asks. */
  readonly pickerMsPerRequest: number;
}

export interface Stage {
  readonly engines: Engines;
  readonly picker: PickerProcess;
  readonly bare: EnvoyProcess;
  readonly picked: EnvoyProcess;
  readonly idleCores: number;
}

export async function setUp(folder: string, load: Load, { seconds }: BenchOptions): Promise<Stage> {
  const engines = await startEngines(ENGINES, load.events);
  const picker = await startPicker(folder, engines);
  const bare = await startEnvoy(folder, engines, undefined);
  const picked = await startEnvoy(folder, engines, picker.port);
  await warmUp(bare, load);
  await warmUp(picked, load);
  const idleCores = await coresOf(picker, Math.min(seconds, 5));
  return { engines, picker, bare, picked, idleCores };
}

async function warmUp({ port }: EnvoyProcess, load: Load): Promise<void> {
  await runLoad(port, WARM_UP, WARM_UP_SECONDS);
  await runLoad(port, load, OWN_WARM_UP_SECONDS);
}

export async function tearDown({ engines, picker, bare, picked }: Stage): Promise<void> {
  for (const { child } of [bare, picked, picker, engines]) await stop(child);
}

/** With and without in turn; which comes first changes by round. */
export async function measureRound(stage: Stage, load: Load, seconds: number, round: number): Promise<Round> {
  const pickerFamily = familyOf(stage.picker.child.pid);
  let pickerMsPerRequest = Number.NaN;
  const picked = async (): Promise<Side> => {
    const before = fineCpuSeconds(pickerFamily);
    const startedMs = performance.now();
    const side = await measureSide(stage.picked, load, seconds);
    const tookSeconds = (performance.now() - startedMs) / 1000;
    const spent = fineCpuSeconds(pickerFamily) - before - stage.idleCores * tookSeconds;
    pickerMsPerRequest = (spent * 1000) / side.requests;
    return side;
  };
  const bare = (): Promise<Side> => measureSide(stage.bare, load, seconds);
  if (round % 2 === 0) {
    const first = await bare();
    return { load: load.name, bare: first, picked: await picked(), pickerMsPerRequest };
  }
  const first = await picked();
  return { load: load.name, picked: first, bare: await bare(), pickerMsPerRequest };
}

async function measureSide(envoy: EnvoyProcess, load: Load, seconds: number): Promise<Side> {
  const family = familyOf(envoy.child.pid);
  const before = fineCpuSeconds(family);
  const result = await runLoad(envoy.port, load, seconds);
  const requests = result.totalMs.length;
  return {
    requests,
    errors: result.errors,
    firstByteP50Ms: quantile(result.firstByteMs, 0.5),
    firstByteP99Ms: quantile(result.firstByteMs, 0.99),
    totalP50Ms: quantile(result.totalMs, 0.5),
    lateP99Ms: result.lateP99Ms,
    envoyMsPerRequest: ((fineCpuSeconds(family) - before) * 1000) / requests,
  };
}

async function runLoad(port: number, { ratePerSec, tokens }: Load, seconds: number): Promise<LoadResult> {
  const client = join(import.meta.dirname, "load-client.ts");
  const words = [client, String(port), String(ratePerSec), String(seconds), String(tokens)];
  return JSON.parse(await output(process.execPath, words)) as LoadResult;
}

/** Processor time of a picker that is left alone, in cores. */
async function coresOf({ child }: PickerProcess, seconds: number): Promise<number> {
  const family = familyOf(child.pid);
  const before = fineCpuSeconds(family);
  const startedMs = performance.now();
  await sleep(seconds * 1000);
  return (fineCpuSeconds(family) - before) / ((performance.now() - startedMs) / 1000);
}

export interface Idle {
  readonly endpoints: number;
  readonly cores: number;
  /** Metrics pages of model servers that it read meanwhile: what an idle picker does, if it does anything. */
  readonly pagesPerSec: number;
}

export async function measureIdle(folder: string, seconds: number, endpoints: number): Promise<Idle> {
  const engines = await startEngines(endpoints, 0);
  const picker = await startPicker(folder, engines);
  await sleep(3000);
  const pagesBefore = await pagesRead(engines);
  const cores = await coresOf(picker, seconds);
  const pagesPerSec = ((await pagesRead(engines)) - pagesBefore) / seconds;
  await stop(picker.child);
  await stop(engines.child);
  return { endpoints, cores, pagesPerSec };
}

async function pagesRead({ port, hosts }: Engines): Promise<number> {
  const response = await fetch(`http://${hosts[0]}:${port}/pages-read`);
  return Number(await response.text());
}

/** Shares of the picker's time under this load, in a run of its own: a profile costs time itself. */
export async function measureShares(
  folder: string,
  load: Load,
  seconds: number,
): Promise<ReadonlyMap<string, number>> {
  const profiles = join(folder, `profile-${load.name}`);
  const engines = await startEngines(ENGINES, load.events);
  const picker = await startPicker(folder, engines, profiles);
  const envoy = await startEnvoy(folder, engines, picker.port);
  await warmUp(envoy, load);
  await runLoad(envoy.port, load, seconds);
  for (const { child } of [picker, envoy, engines]) await stop(child);
  return sharesOf(profiles, seconds);
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
