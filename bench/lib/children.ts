/**
 * Child processes of the bench, and the promise that none outlives it.
 *
 * Every process is started here and ended here by its own id: first SIGTERM to the process we started, and after
 * `GRACE_MS` SIGKILL to it and to the descendants it had (nginx's worker, the Node that bin/plimsoll starts).
 */
import { spawn, type ChildProcess } from "node:child_process";
import { descendants } from "./processes.ts";

/** Time a process has to end by itself. All of them are idle by then, so a second is ample. */
const GRACE_MS = 2000;
/** Enough of what a process said to see why it died. */
const KEPT_OUTPUT_CHARS = 4000;

export interface Child {
  readonly pid: number;
  readonly process: ChildProcess;
  /** The last lines it wrote to either output. */
  output(): string;
  readonly ended: Promise<number | null>;
}

const running = new Set<Child>();

export interface StartOptions {
  readonly cwd?: string;
  /** The child's standard output, where the caller reads it; otherwise it is kept for `output()`. */
  readonly onStdout?: (text: string) => void;
}

export function start(command: string, args: readonly string[], options: StartOptions = {}): Child {
  const child = spawn(command, args, { cwd: options.cwd, stdio: ["ignore", "pipe", "pipe"] });
  let kept = "";
  const keep = (text: string): void => {
    kept = (kept + text).slice(-KEPT_OUTPUT_CHARS);
  };
  child.stdout.setEncoding("utf8").on("data", options.onStdout ?? keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  const ended = new Promise<number | null>((resolve) => {
    child.once("error", (error) => {
      keep(String(error));
      resolve(null);
    });
    child.once("close", (code) => resolve(code));
  });
  // A pid of 0 stands for "could not be started": `ended` has resolved and output() holds the reason.
  const handle: Child = { pid: child.pid ?? 0, process: child, output: () => kept.trim(), ended };
  running.add(handle);
  void ended.then(() => running.delete(handle));
  return handle;
}

export async function stop(child: Child): Promise<void> {
  if (!running.has(child)) return;
  const family = descendants(child.pid);
  signal(child.pid, "SIGTERM");
  const graceful = await Promise.race([child.ended.then(() => true), sleep(GRACE_MS).then(() => false)]);
  // A parent that ended may have left its children behind; one that did not has had its chance.
  if (!graceful) signal(child.pid, "SIGKILL");
  for (const pid of family) signal(pid, "SIGKILL");
  await child.ended;
}

export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((child) => stop(child)));
}

/** For the process's `exit` event, where nothing can be awaited. */
export function stopAllNow(): void {
  for (const child of running) {
    const family = descendants(child.pid);
    for (const pid of [child.pid, ...family]) signal(pid, "SIGKILL");
  }
}

/** Runs a program to its end and returns what it printed; throws with its last words if it fails. */
export async function output(command: string, args: readonly string[], cwd?: string): Promise<string> {
  let text = "";
  const child = start(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    onStdout: (part) => (text += part),
  });
  const code = await child.ended;
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${child.output()}`);
  return text === "" ? child.output() : text;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function signal(pid: number, name: NodeJS.Signals): void {
  if (pid === 0) return;
  try {
    process.kill(pid, name);
  } catch {
    // It has ended in the meantime, which is what was wanted.
  }
}
