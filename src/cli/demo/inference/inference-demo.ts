/**
 * `plimsoll demo --inference`: two fleets of simulated model servers, the same conversations with each, one balanced with the
 * policy Inference and one with RoundRobin, and a live picture of both.
 *
 * Everything is on loopback: a process for each fleet, the gateway as its users run it (one process, two listeners), and the
 * load in this one. Engines live in real time (cli/model-server); what is shown is measured by the clients, or asked of engines and
 * gateway. Whatever was started ends with it.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { explainTaken, takenPorts } from "../free-ports.ts";
import { GatewayProcess } from "../gateway-process.ts";
import { stopSignal } from "../stop-signal.ts";
import { FleetProcess } from "./fleet-process.ts";
import { ADMIN_PORT, engineName, FLEETS, type Fleet } from "./fleets.ts";
import { playInference } from "./inference-show.ts";
import { manifestsOf } from "./manifests.ts";

export interface InferenceDemoOptions {
  /** Plain lines even on a terminal. */
  readonly plain?: boolean;
  /** Ends by itself after so long; a shorter time than the story's shortens the story. */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
  readonly out?: NodeJS.WritableStream;
}

/** Each is there within a second or two on a machine that is not busy. */
const READY_WITHIN_MS = 20_000;

export async function runInferenceDemo(options: InferenceDemoOptions): Promise<number> {
  const out = options.out ?? process.stdout;
  const say = (text: string): void => void out.write(`${text}\n`);
  const taken = await takenPorts([
    { port: ADMIN_PORT, use: "the gateway's admin" },
    ...FLEETS.flatMap(portsOf),
  ]);
  if (taken.length > 0) {
    say(explainTaken(taken));
    return 1;
  }
  const end = stopSignal(out, options.signal);
  const folder = await mkdtemp(join(tmpdir(), "plimsoll-demo-"));
  const manifests = join(folder, "inference.yaml");
  await writeFile(manifests, manifestsOf(FLEETS));
  const fleets = FLEETS.map((fleet) => new FleetProcess(fleet));
  const gateway = new GatewayProcess(gatewayCommand(manifests));
  const parts = [
    ...fleets.map((process) => ({ name: `The ${process.fleet.pool} fleet`, process })),
    { name: "The gateway", process: gateway },
  ];
  for (const { process } of parts) void process.ended.then(() => end.stop());
  let dead: (typeof parts)[number] | undefined;
  let isLate = false;
  try {
    const ready = await Promise.all([
      ...fleets.map((fleet) =>
        fleet.ready(AbortSignal.any([end.signal, AbortSignal.timeout(READY_WITHIN_MS)])),
      ),
      gateway.ready(ADMIN_PORT, end.signal),
    ]);
    if (ready.every(Boolean)) {
      end.endAfter(options.seconds);
      await playInference(
        fleets,
        { out, plain: options.plain === true, seconds: options.seconds },
        end.signal,
      );
    }
    // Nothing has died and nobody has stopped it, and yet not all are there.
    else isLate = !end.signal.aborted;
    dead = parts.find(({ process }) => process.hasEnded);
  } finally {
    await Promise.all(parts.map(({ process }) => process.stop()));
    await rm(folder, { recursive: true, force: true });
    end.release();
  }
  if (dead !== undefined)
    say(`${dead.name} did not run. Its last words:\n${dead.process.output || "(none)"}`);
  else if (isLate) say("The gateway or the engines were not ready in time.");
  return dead === undefined && !isLate ? 0 : 1;
}

function gatewayCommand(manifests: string): readonly string[] {
  const entry = join(import.meta.dirname, `../../main${extname(import.meta.filename)}`);
  return [process.execPath, entry, "serve", "-f", manifests, "--access-log", "off"];
}

function portsOf({ pool, gatewayPort, enginePorts, eventPorts }: Fleet): { port: number; use: string }[] {
  return [
    { port: gatewayPort, use: `the gateway's listener for ${pool}` },
    ...enginePorts.flatMap((port, index) => {
      const use = `${engineName(index)} of ${pool}`;
      const events = eventPorts === undefined ? [] : [eventPorts.publish + index, eventPorts.replay + index];
      return [port, ...events].map((each) => ({ port: each, use }));
    }),
  ];
}
