/**
 * The workloads by name. Those from recordings are there only where the data is.
 */
import { mooncake } from "./mooncake.ts";
import { pressure } from "./pressure.ts";
import type { Workload, WorkloadOptions } from "./workload.ts";

export type WorkloadMaker = (options: WorkloadOptions) => Workload | undefined;

export const WORKLOADS: ReadonlyMap<string, WorkloadMaker> = new Map<string, WorkloadMaker>([
  ["mooncake", mooncake],
  ["pressure", pressure],
]);
