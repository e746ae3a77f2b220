/**
 * Other people's programs: where they are, running them bounded in time, and ending them by their own pid.
 *
 * A test whose program is missing is skipped with a line that says which; scripts/install-e2e.sh installs them.
 */
import { spawnSync } from "node:child_process";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { within } from "../kit/wait.ts";

/** Daemons stand in sbin, which is not on everybody's path. */
const FOLDERS = [
  ...(process.env["PATH"] ?? "").split(":"),
  "/usr/sbin",
  "/usr/local/sbin",
  "/usr/local/go/bin",
];

/** The full path of the first of these names that is installed. */
export function findProgram(...names: readonly string[]): string | undefined {
  return names.flatMap((name) => FOLDERS.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** For a test's `skip`: false if the program is there. */
export function skipWithout(program: string | undefined, name: string): string | false {
  return program === undefined ? `${name} is not installed; see scripts/install-e2e.sh` : false;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly limitMs?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs it to its end; killed, and a failure, when that takes longer than `limitMs` (default 20 s). */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const { limitMs = 20_000, cwd, env } = options;
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: "", stderr: "" };
  child.stdout.setEncoding("latin1").on("data", (text: string) => (texts.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (texts.stderr += text));
  try {
    const [code] = (await within(once(child, "close"), `the end of ${program}`, limitMs)) as [number | null];
    return { code, ...texts };
  } catch (error) {
    throw new Error(`${(error as Error).message}; it said ${JSON.stringify(texts)}`, { cause: error });
  } finally {
    child.kill("SIGKILL");
  }
}

/** Ends a child that runs until told to. */
export async function endProgram(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  try {
    await within(ended, `process ${child.pid} to end`, 5_000);
  } catch {
    child.kill("SIGKILL");
    await ended;
  }
}

/** A Python with pyzmq and msgpack: `PLIMSOLL_ZMQ_PYTHON`, the first on the path, or Debian's own. Undefined: there is none. */
export function zmqPython(): string | undefined {
  const known = process.env["PLIMSOLL_ZMQ_PYTHON"];
  const candidates = known === undefined ? ["python3", "/usr/bin/python3"] : [known];
  return candidates.find((each) => spawnSync(each, ["-c", "import zmq, msgpack"]).status === 0);
}
