/**
 * Facts about the machine and the programs, kept beside the figures: a ratio without them cannot be judged later.
 */
import { execFileSync } from "node:child_process";
import { cpus, loadavg, release, totalmem } from "node:os";

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  /** Runnable processes over the last minute before the run: other people's work shows here. */
  readonly loadBefore: number;
  readonly commit: string | undefined;
  readonly date: string;
}

export function machineFacts(): MachineFacts {
  const list = cpus();
  return {
    cpu: list[0]?.model.trim() ?? "unknown",
    cores: list.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    loadBefore: Number(loadavg()[0]?.toFixed(2)),
    commit: commit(),
    date: new Date().toISOString(),
  };
}

/** The same for people, in one line. */
export function machineLine({ cores, cpu, memoryGb, kernel, node, loadBefore }: MachineFacts): string {
  return `${cores} cores (${cpu}), ${memoryGb} GB, Linux ${kernel}, Node ${node}, load before ${loadBefore}`;
}

function commit(): string | undefined {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], {
      cwd: import.meta.dirname,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return undefined;
  }
}
