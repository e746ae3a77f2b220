/**
 * The gateway as the demo runs it: a child process whose words are kept aside, and shown if it dies.
 *
 * It gets a process group of its own, so that Ctrl-C reaches the demo alone and the gateway is ended in order: load
 * first, then SIGTERM, and SIGKILL if it has not ended within END_WITHIN_MS.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { get } from "node:http";
import { LOOPBACK } from "./endpoint-server.ts";

const READY_WITHIN_MS = 10_000;
const READY_POLL_MS = 50;
/** The demo promises to be gone within two seconds; nothing is in flight by then. */
const END_WITHIN_MS = 1500;
const KEPT_OUTPUT_CHARS = 8000;

export class GatewayProcess {
  readonly #child: ChildProcess;
  #output = "";
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>;
  #hasEnded = false;
  readonly #killNow = (): void => void this.#child.kill("SIGKILL");

  constructor(command: readonly string[]) {
    const [program = "", ...args] = command;
    this.#child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-KEPT_OUTPUT_CHARS);
      });
    }
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.#hasEnded = true;
        process.off("exit", this.#killNow);
        resolve();
      };
      this.#child.once("close", end);
      this.#child.once("error", (error) => {
        this.#output += `${String(error)}\n`;
        end();
      });
    });
    // Should the demo itself fall over, the gateway must not stay behind.
    process.on("exit", this.#killNow);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get output(): string {
    return this.#output.trimEnd();
  }

  /** True when its admin says that it is ready; false when it has ended, or is not ready in time, or on abort. */
  async ready(adminPort: number, signal: AbortSignal): Promise<boolean> {
    const deadlineMs = performance.now() + READY_WITHIN_MS;
    while (!this.#hasEnded && !signal.aborted && performance.now() < deadlineMs) {
      if (await answersOk(adminPort)) return true;
      await new Promise((resolve) => {
        setTimeout(resolve, READY_POLL_MS);
      });
    }
    return false;
  }

  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(this.#killNow, END_WITHIN_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

function answersOk(adminPort: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(
      { host: LOOPBACK, port: adminPort, path: "/readyz", agent: false, timeout: 500 },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(false));
  });
}
