/**
 * The real program, `bin/plimsoll serve`, as a child process with manifests in a folder of its own.
 *
 * `bin/plimsoll` becomes Node by exec, so the child's pid is the gateway's: signals and /proc mean the gateway.
 */
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { manifestText, type GatewaySetup } from "../../kit/gateway.ts";
import { waitUntil, within } from "../../kit/wait.ts";

const PROGRAM = join(import.meta.dirname, "../../../bin/plimsoll");

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A line of the log on standard error. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface ProcessOptions {
  /** Beside `-f` and `--admin`. */
  readonly args?: readonly string[];
  /** What `-f` names; default `manifests.yaml` in the folder, written from the setup. */
  readonly paths?: readonly string[];
  /** Default: a pipe that is read and forgotten. A number is a file descriptor. */
  readonly stdout?: "pipe" | number;
  /** Default: a free one. */
  readonly port?: number;
}

export interface PlimsollProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly port: number;
  readonly adminPort: number;
  readonly folder: string;
  readonly manifests: string;
  readonly exited: Promise<Exit>;
  log(): readonly LogLine[];
  rewrite(setup: GatewaySetup): void;
  signal(name: NodeJS.Signals): void;
  /** Waits for the end, and fails with the log when it does not come. */
  exit(limitMs?: number): Promise<Exit>;
  openFiles(): number;
  rssBytes(): number;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startProcess(
  setup: GatewaySetup,
  options: ProcessOptions = {},
): Promise<PlimsollProcess> {
  const folder = mkdtempSync(join(tmpdir(), "plimsoll-process-"));
  const manifests = join(folder, "manifests.yaml");
  const port = options.port ?? (await quietPort());
  const rewrite = (next: GatewaySetup): void => writeFileSync(manifests, manifestText(next, port));
  rewrite(setup);
  const paths = options.paths ?? [manifests];
  const args = ["serve", "-f", ...paths, "--admin", "127.0.0.1:0", ...(options.args ?? [])];
  const { child, exited, stderr } = run(args, ["ignore", options.stdout ?? "pipe", "pipe"]);
  child.stdout?.resume();
  const log = (): readonly LogLine[] =>
    stderr()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as LogLine);
  const serving = (): LogLine | undefined => log().find(({ msg }) => msg === "serving");
  const dispose = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await waitUntil(
      () => serving() !== undefined || child.exitCode !== null,
      () => `serving: ${stderr()}`,
      20_000,
    );
    if (serving() === undefined) throw new Error(`did not start: ${stderr()}`);
  } catch (error) {
    await dispose();
    throw error;
  }
  const pid = child.pid!;
  return {
    pid,
    child,
    port,
    adminPort: Number(String(serving()?.["admin"]).split(":").at(-1)),
    folder,
    manifests,
    exited,
    log,
    rewrite,
    signal: (name) => void child.kill(name),
    exit: (limitMs = 10_000) =>
      within(exited, "the process to end", limitMs).catch((error: unknown) => {
        throw new Error(`${(error as Error).message}; it said ${stderr().slice(-2_000)}`, { cause: error });
      }),
    openFiles: () => readdirSync(`/proc/${pid}/fd`).length,
    // The second number of statm: resident pages of 4 KiB.
    rssBytes: () => Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096,
    [Symbol.asyncDispose]: dispose,
  };
}

/**
 * A free port that the kernel gives to nobody by itself: below the range from which it takes those of outgoing
 * connections and of `listen(0)`, which other tests use all the time between our asking and the gateway's binding.
 */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
}

/** Runs the command to its end: for starts that fail. */
export async function runToEnd(
  args: readonly string[],
): Promise<Exit & { readonly stdout: string; readonly stderr: string }> {
  const { child, exited, stderr } = run(args, ["ignore", "pipe", "pipe"]);
  let stdout = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  try {
    return {
      ...(await within(exited, `the end of plimsoll ${args.join(" ")}`, 20_000)),
      stdout,
      stderr: stderr(),
    };
  } finally {
    child.kill("SIGKILL");
  }
}

function run(
  args: readonly string[],
  stdio: StdioOptions,
): { readonly child: ChildProcess; readonly exited: Promise<Exit>; readonly stderr: () => string } {
  const child = spawn(PROGRAM, args, { stdio });
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  // `close` comes after the last of its output, unlike `exit`.
  const exited = once(child, "close").then(([code, signal]): Exit => ({ code, signal }));
  return { child, exited, stderr: () => text };
}
