/**
 * Small network helpers of the bench: free ports and waiting until a server answers. Loopback only.
 */
import { createServer, type AddressInfo } from "node:net";
import { get } from "node:http";
import { sleep, type Child } from "./children.ts";

export const HOST = "127.0.0.1";
/** Starting takes well under a second everywhere; ten cover a machine that is busy with other work. */
const READY_WITHIN_MS = 10_000;

/** `count` ports that are free now; all are held open together so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject).listen(0, HOST, resolve);
      });
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(
    servers.map(
      (server) =>
        new Promise((resolve) => {
          server.close(resolve);
        }),
    ),
  );
  return ports;
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
