/**
 * The workloads by name. Those from recordings are there only where the data is.
 */
import { agents } from "./agents.ts";
import { conversations, unequal } from "./conversations.ts";
import { mooncake } from "./mooncake.ts";
import { azureCode, bursts, reasoning } from "./prefixless.ts";
import { pressure } from "./pressure.ts";
import { tenants } from "./tenants.ts";
import type { Workload, WorkloadOptions } from "./workload.ts";

export type WorkloadMaker = (options: WorkloadOptions) => Workload | undefined;

export const WORKLOADS: ReadonlyMap<string, WorkloadMaker> = new Map<string, WorkloadMaker>([
  ["mooncake", mooncake],
  ["conversations", conversations],
  ["pressure", pressure],
  ["unequal", unequal],
  ["tenants", tenants],
  ["azure-code", azureCode],
  ["bursts", bursts],
  ["agents", agents],
  ["reasoning", reasoning],
]);
