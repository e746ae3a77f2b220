/**
 * `plimsoll demo`: endpoints that misbehave, steady load, the gateway between them, and a live picture of it all.
 *
 * Everything is on loopback and in this process except the gateway, which runs as its users run it: a process of its
 * own with the manifests of examples/quickstart. Ends on Ctrl-C, SIGTERM, SIGHUP, the given signal, or after
 * `seconds`; whatever was started is ended with it.
 */
import { extname, join } from "node:path";
import { EndpointServer } from "./demo/endpoint-server.ts";
import { explainTaken, takenPorts } from "./demo/free-ports.ts";
import { GatewayProcess } from "./demo/gateway-process.ts";
import { playShow } from "./demo/show.ts";
import { stopSignal } from "./demo/stop-signal.ts";
import { ENDPOINTS } from "./demo/story.ts";

export interface DemoOptions {
  /** Plain lines even on a terminal. */
  readonly plain?: boolean;
  /** Ends by itself after so long. */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
  readonly out?: NodeJS.WritableStream;
  readonly gatewayCommand?: readonly string[];
}

/** As in examples/quickstart, and the admin's default. */
const GATEWAY_PORT = 8080;
const ADMIN_PORT = 9900;

const HERE = import.meta.dirname;

function defaultGatewayCommand(): readonly string[] {
  // main.ts beside this file when run from source, main.js when compiled.
  const entry = join(HERE, `main${extname(import.meta.filename)}`);
  const manifests = join(HERE, "../../examples/quickstart");
  return [process.execPath, entry, "serve", "-f", manifests, "--access-log", "off"];
}

export async function runDemo(options: DemoOptions): Promise<number> {
  const out = options.out ?? process.stdout;
  const say = (text: string): void => void out.write(`${text}\n`);
  const taken = await takenPorts([
    { port: GATEWAY_PORT, use: "the gateway" },
    { port: ADMIN_PORT, use: "the gateway's admin" },
    ...ENDPOINTS.map(({ port, name }) => ({ port, use: name })),
  ]);
  if (taken.length > 0) {
    say(explainTaken(taken));
    return 1;
  }

  const end = stopSignal(out, options.signal);
  const servers = ENDPOINTS.map((plan) => new EndpointServer(plan));
  const gateway = new GatewayProcess(options.gatewayCommand ?? defaultGatewayCommand());
  void gateway.ended.then(() => end.stop());
  end.endAfter(options.seconds);
  let died = false;
  try {
    await Promise.all(servers.map((server) => server.start()));
    const ready = await gateway.ready(ADMIN_PORT, end.signal);
    const ports = { gateway: GATEWAY_PORT, admin: ADMIN_PORT };
    if (ready) await playShow(servers, ports, out, options.plain === true, end.signal);
    else died = !end.signal.aborted;
    died ||= gateway.hasEnded;
  } finally {
    await Promise.all([gateway.stop(), ...servers.map((server) => server.stop())]);
    end.release();
  }
  if (died) say(`The gateway did not run. Its last words:\n${gateway.output || "(none)"}`);
  return died ? 1 : 0;
}
