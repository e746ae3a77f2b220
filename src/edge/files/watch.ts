/**
 * Tells when manifests on disk have changed, by looking at them again and again.
 *
 * Polling instead of inotify: it sees symlink swaps (ConfigMap mounts, git-sync), works on network and container
 * mounts where events are lost, and its cost is one stat per file and interval. A change is told once it has stood
 * unchanged for one interval, so a folder in the middle of being written is not read half done. A change that
 * stands is told two intervals and one walk after it was made at worst; amid others that never rest, after six.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { fingerprintOf } from "./fingerprint.ts";
import { listManifests } from "./list.ts";

export interface WatchOptions {
  /** Called after a settled change; the next look waits for it. What it throws ends the watch. */
  readonly onChange: () => void | Promise<void>;
  readonly signal: AbortSignal;
  readonly intervalMs?: number;
  /** From readManifests: where to count changes from. Without it, from the first look. */
  readonly since?: string;
}

const INTERVAL_MS = 500;
/** A stream of changes that never rests is taken as it stands after so many looks; half a file is rejected whole. */
const UNSETTLED_MAX = 5;

/** Resolves when the signal aborts. Files that vanish, folders that cannot be read and the like never reject it. */
export async function watchManifests(paths: readonly string[], options: WatchOptions): Promise<void> {
  const { signal, onChange, intervalMs = INTERVAL_MS } = options;
  let told = options.since ?? (await look(paths));
  let last = told;
  let unsettled = 0;
  while (await pause(intervalMs, signal)) {
    const now = await look(paths);
    const settled = now === last;
    last = now;
    if (now === told || signal.aborted) {
      unsettled = 0;
      continue;
    }
    if (!settled && ++unsettled < UNSETTLED_MAX) continue;
    unsettled = 0;
    told = now;
    await onChange();
  }
}

async function look(paths: readonly string[]): Promise<string> {
  return fingerprintOf(await listManifests(paths));
}

/** False once the signal has aborted. Does not keep the process alive: whoever serves does. */
async function pause(intervalMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(intervalMs, undefined, { signal, ref: false });
    return true;
  } catch {
    return false;
  }
}
