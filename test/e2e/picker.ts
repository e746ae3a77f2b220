/**
 * The real picker as a process of its own, `plimsoll serve --ext-proc`, for one InferencePool of endpoints on loopback.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quietPort } from "../gateway/life/process.ts";
import { chatPool } from "../kit/picker/chat-pool.ts";
import { waitUntil } from "../kit/wait.ts";
import { endProgram } from "./programs.ts";

const HOSTS = ["127.0.0.1"];
const PROGRAM = join(import.meta.dirname, "../../bin/plimsoll");

export interface PickerOptions {
  /** On every host; at most 8, which is what a pool may have on one Pod. */
  readonly ports: readonly number[];
  /** A Pod each; default 127.0.0.1. */
  readonly hosts?: readonly string[];
  /** Default: a free one. */
  readonly port?: number;
  /** Further flags of `serve`. */
  readonly flags?: readonly string[];
  /** More documents beside the pool's own. */
  readonly more?: readonly object[];
  /** Whether the Pod is ready; default true. */
  readonly ready?: boolean;
}

export interface Picker {
  readonly pid: number;
  readonly port: number;
  readonly adminPort: number;
  readonly endpoints: readonly string[];
  rssBytes(): number;
  log(): string;
  stop(signal?: NodeJS.Signals): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startPicker(options: PickerOptions): Promise<Picker> {
  const folder = mkdtempSync(join(tmpdir(), "plimsoll-picker-"));
  const file = join(folder, "manifests.yaml");
  const port = options.port ?? (await quietPort());
  writeFileSync(file, chatPool({ hosts: HOSTS, ...options, listenerPort: await quietPort() }));
  const words = ["serve", "-f", file, "--ext-proc", `127.0.0.1:${port}`, "--ext-proc-health", "off"];
  const child = spawn(
    PROGRAM,
    [
      ...words,
      "--admin",
      "127.0.0.1:0",
      "--access-log",
      "off",
      "--drain-timeout",
      "1s",
      ...(options.flags ?? []),
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
    await endProgram(child, signal);
    rmSync(folder, { recursive: true, force: true });
  };
  const serving = (): string | undefined => said.split("\n").find((line) => line.includes('"serving"'));
  try {
    await waitUntil(
      () => serving() !== undefined || child.exitCode !== null,
      () => `the picker to serve: ${said}`,
      20_000,
    );
    if (child.exitCode !== null) throw new Error(`the picker ended at once: ${said}`);
  } catch (error) {
    await stop();
    throw error;
  }
  const admin = (JSON.parse(serving()!) as { readonly admin?: string }).admin ?? "";
  return {
    pid: child.pid!,
    port,
    adminPort: Number(admin.split(":").at(-1)),
    endpoints: (options.hosts ?? HOSTS).flatMap((host) => options.ports.map((at) => `${host}:${at}`)),
    rssBytes: () => Number(readFileSync(`/proc/${child.pid}/statm`, "utf8").split(" ")[1]) * 4096,
    log: () => said,
    stop,
    [Symbol.asyncDispose]: () => stop(),
  };
}
