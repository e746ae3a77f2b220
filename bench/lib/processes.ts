/**
 * What the kernel says about a process and its descendants: processor time and memory, from /proc (Linux only).
 *
 * Processor time is utime + stime of /proc/PID/stat, summed over the process and all its descendants (a launcher
 * and the program it starts, nginx's master and its worker). Both include the time of threads. It is counted in
 * ticks of 10 ms. Work that the kernel does for loopback packets is charged to the sender, as in all such figures.
 *
 * Memory is the resident size of the leaves of that tree: the processes that serve. A master that only waits is
 * left out, because most of its pages are those of the worker.
 */
import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ: the unit of /proc/PID/stat is fixed at 100 per second on every Linux platform that Node supports. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

interface Stat {
  readonly parent: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

function readStat(pid: number): Stat | undefined {
  let text;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The second field is the program's name in brackets and may itself hold spaces and brackets.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    parent: Number(fields[1]),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    residentBytes: Number(fields[21]) * PAGE_BYTES,
  };
}

/** Ids of all processes below `root`, without `root` itself. */
export function descendants(root: number): readonly number[] {
  const childrenOf = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? readStat(pid) : undefined;
    if (stat === undefined) continue;
    const siblings = childrenOf.get(stat.parent);
    if (siblings === undefined) childrenOf.set(stat.parent, [pid]);
    else siblings.push(pid);
  }
  const found: number[] = [];
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    const children = childrenOf.get(pid) ?? [];
    found.push(...children);
    open.push(...children);
  }
  return found;
}

export interface Usage {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

/** A family of processes found once, so that reading it twice around a run costs two small reads. */
export interface Family {
  readonly all: readonly number[];
  readonly leaves: readonly number[];
}

export function familyOf(root: number): Family {
  const all = [root, ...descendants(root)];
  const parents = new Set(all.map((pid) => readStat(pid)?.parent));
  return { all, leaves: all.filter((pid) => !parents.has(pid)) };
}

export function usage(family: Family): Usage {
  let cpuSeconds = 0;
  for (const pid of family.all) cpuSeconds += readStat(pid)?.cpuSeconds ?? 0;
  let residentBytes = 0;
  for (const pid of family.leaves) residentBytes += readStat(pid)?.residentBytes ?? 0;
  return { cpuSeconds, residentBytes };
}

/**
 * Processor time in seconds to the nanosecond, from the scheduler's own count of the threads that live now.
 * For idle processes, whose whole use over some seconds may be less than one tick.
 */
export function fineCpuSeconds(family: Family): number {
  let total = 0;
  for (const pid of family.all) {
    try {
      for (const thread of readdirSync(`/proc/${pid}/task`)) {
        total += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]) / 1e9;
      }
    } catch {
      // A kernel without schedstat: fall back to ticks for this process.
      total += readStat(pid)?.cpuSeconds ?? 0;
    }
  }
  return total;
}
