/**
 * From paths to a configuration and everything there is to say about it: the one way in, for every command.
 */
import { compile, type CompileOptions } from "../config/compile.ts";
import { loadManifests, type LoadMemory } from "../config/load.ts";
import type { ConfigStatus } from "../config/translate/status.ts";
import { readManifests } from "../edge/files/read.ts";
import type { GatewayConfig } from "../model/config.ts";
import type { Problem } from "../model/problem.ts";

/** Plain data: it crosses threads. */
export interface LoadedConfig {
  /** The best that could be made of the manifests; to be used only if no problem is an error. */
  readonly config: GatewayConfig;
  readonly status: ConfigStatus;
  readonly problems: readonly Problem[];
  readonly files: number;
  /** What was on disk; see edge/files. */
  readonly fingerprint: string;
}

/** With the same `memory` again, files that have not changed are not parsed again. */
export async function loadConfig(
  paths: readonly string[],
  memory?: LoadMemory,
  options?: CompileOptions,
): Promise<LoadedConfig> {
  const read = await readManifests(paths);
  const loaded = loadManifests(read.files, memory);
  const { config, status, problems } = compile(loaded.resources, options);
  return {
    config,
    status,
    problems: [...read.problems, ...loaded.problems, ...problems],
    files: read.files.length,
    fingerprint: read.fingerprint,
  };
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === "error");
}
