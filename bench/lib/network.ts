/**
 * Small network helpers of the bench: free ports and waiting until a server answers. Loopback only.
 */
import { createServer } from "node:net";
import { get } from "node:http";
import { sleep, type Child } from "./children.ts";

export const HOST = "127.0.0.1";
/** Starting takes about a second at most; thirty cover a machine that is busy with other work. */
const READY_WITHIN_MS = 30_000;

/** Below the range that the kernel hands out by itself, so that no outgoing connection takes one before its server does. */
const FIRST_PORT = 12_000;
const PORTS = 20_000;
let nextPort = Math.floor(Math.random() * PORTS);

/** `count` ports that are free now; none is given out twice. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count && tries < PORTS; tries += 1) {
    const port = FIRST_PORT + (nextPort++ % PORTS);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });
}

/** The status of one GET, or 0 where there was no answer. */
export function statusOf(port: number, path: string): Promise<number> {
  return new Promise((resolve) => {
    const request = get({ host: HOST, port, path, agent: false, timeout: 1000 }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode ?? 0));
    });
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(0));
  });
}

/** Waits until `path` answers 200; throws with the child's last words if it dies or takes too long. */
export async function waitUntilReady(name: string, child: Child, port: number, path: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  let ended = false;
  void child.ended.then(() => (ended = true));
  let status = 0;
  while (performance.now() < deadline) {
    if (ended) throw new Error(`${name} ended at once: ${child.output()}`);
    status = await statusOf(port, path);
    if (status === 200) return;
    await sleep(50);
  }
  throw new Error(
    `${name} was not ready after ${READY_WITHIN_MS} ms (${path}: ${status}): ${child.output()}`,
  );
}
