/**
 * The process that is a fleet of endpoints: `node fleet-server.ts SCENARIO SEED COUNT_FROM`. Prints its ports as JSON: one
 * per endpoint, and the one where `GET /attempts` answers how many requests each endpoint got.
 *
 * Each endpoint is a server on a port of its own; its service is a timer behind slots and a queue, first in first out, so that ten
 * of them need a few per cent of a core and what is measured is where requests were sent. The work of request number i
 * (the path is /r/i) is work.ts's.
 * Conditions begin with the first request. Requests below COUNT_FROM warm up and are not counted.
 */
import type { AddressInfo, Socket } from "node:net";
import { HOST } from "../lib/network.ts";
import { rawAnswer, type RawHandler, rawServer } from "../lib/raw-server.ts";
import { type EndpointSpec, SCENARIOS, SLOTS } from "./scenarios.ts";
import { workMs } from "./work.ts";

/** Of the failing endpoint. */
const FAIL_MS = 1;
const DONE = rawAnswer(Buffer.from("done\n"), "text/plain");
const FAILED = rawAnswer(Buffer.from("failed\n"), "text/plain", "503 Service Unavailable");

const scenario = SCENARIOS.find(({ name }) => name === process.argv[2]);
if (scenario === undefined) throw new Error(`no scenario ${process.argv[2]}`);
const [seed = 0, countFrom = 0] = process.argv.slice(3).map(Number);
const attempts = scenario.endpoints.map(() => 0);
let beganMs = Number.NaN;

function slownessNow({ slowness, flipMs, soundFirst }: EndpointSpec): number {
  if (flipMs === 0) return slowness;
  return Math.floor((performance.now() - beganMs) / flipMs) % 2 === (soundFirst ? 1 : 0) ? slowness : 1;
}

function endpoint(spec: EndpointSpec, index: number): RawHandler {
  let busy = 0;
  const waiting: { readonly work: number; readonly socket: Socket }[] = [];
  const serve = (work: number, socket: Socket): void => {
    busy += 1;
    setTimeout(
      () => {
        busy -= 1;
        socket.write(DONE);
        const next = waiting.shift();
        if (next !== undefined) serve(next.work, next.socket);
      },
      work * slownessNow(spec),
    );
  };
  return (path, socket) => {
    if (!path.startsWith("/r/")) return void socket.write(DONE);
    const number = Number(path.slice("/r/".length));
    if (Number.isNaN(beganMs)) beganMs = performance.now();
    if (number >= countFrom) attempts[index] = (attempts[index] ?? 0) + 1;
    if (spec.fails) return void setTimeout(() => socket.write(FAILED), FAIL_MS);
    if (busy < SLOTS) serve(workMs(seed, number), socket);
    else waiting.push({ work: workMs(seed, number), socket });
  };
}

async function listen(handle: RawHandler): Promise<number> {
  const server = rawServer(handle);
  await new Promise<void>((resolve) => {
    server.listen({ port: 0, host: HOST, backlog: 1024 }, resolve);
  });
  return (server.address() as AddressInfo).port;
}

const ports: number[] = [];
for (const [index, spec] of scenario.endpoints.entries()) ports.push(await listen(endpoint(spec, index)));
const control = await listen((_path, socket) => {
  socket.write(rawAnswer(Buffer.from(JSON.stringify(attempts))));
});
process.once("SIGTERM", () => process.exit(0));
process.stdout.write(`${JSON.stringify({ ports, control })}\n`);
