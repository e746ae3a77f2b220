/**
 * The engines of one fleet: model servers in a process of their own, so that neither the load nor the other fleet slows them.
 *
 * It ends when its standard input does, so it never outlives the demo. In its own process group, as the gateway, so that
 * Ctrl-C reaches the demo alone.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { extname, join } from "node:path";
import type { Behaviour } from "../../model-server/misbehaviour.ts";
import { PROFILE, type Fleet } from "./fleets.ts";
import { SLOW_FACTOR, type Condition } from "./story.ts";

const END_WITHIN_MS = 1000;
const KEPT_OUTPUT_CHARS = 4000;

const BEHAVIOURS: Readonly<Record<Condition, Partial<Behaviour>>> = {
  well: { slowFactor: 1, isDown: false },
  slow: { slowFactor: SLOW_FACTOR, isDown: false },
  down: { slowFactor: 1, isDown: true },
};

export class FleetProcess {
  readonly fleet: Fleet;
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #conditions: Condition[];
  #output = "";
  #hasEnded = false;
  #isReady = false;
  #heard: () => void = () => {};

  constructor(fleet: Fleet) {
    this.fleet = fleet;
    this.#conditions = fleet.enginePorts.map(() => "well");
    this.#child = spawn(process.execPath, argumentsOf(fleet), { stdio: "pipe", detached: true });
    this.#child.stdin?.on("error", () => {});
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-KEPT_OUTPUT_CHARS);
        this.#isReady ||= this.#output.includes('{"servers":');
        this.#heard();
      });
    }
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.#hasEnded = true;
        this.#heard();
        resolve();
      };
      this.#child.once("close", end);
      this.#child.once("error", end);
    });
  }

  get output(): string {
    return this.#output.trimEnd();
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** False: it has ended instead, or the signal came first. */
  ready(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      this.#heard = () => {
        if (this.#isReady || this.#hasEnded || signal.aborted) resolve(this.#isReady && !this.#hasEnded);
      };
      signal.addEventListener("abort", this.#heard, { once: true });
      this.#heard();
    });
  }

  /** May be called again and again. */
  become(engine: number, condition: Condition): void {
    if (this.#conditions[engine] === condition || this.#hasEnded) return;
    this.#conditions[engine] = condition;
    this.#child.stdin?.write(`${JSON.stringify({ server: engine, behaviour: BEHAVIOURS[condition] })}\n`);
  }

  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), END_WITHIN_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

function argumentsOf({ enginePorts, eventPorts }: Fleet): readonly string[] {
  // main.ts beside the sources, main.js when compiled.
  const entry = join(import.meta.dirname, `../../model-server/main${extname(import.meta.filename)}`);
  const events =
    eventPorts === undefined
      ? []
      : ["--event-port", String(eventPorts.publish), "--replay-port", String(eventPorts.replay)];
  return [entry, "--port", enginePorts.join(","), "--name", "engine", "--profile", PROFILE, ...events];
}
