/**
 * Ports on which nobody answers, in the two ways that differ for whoever connects.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Worker } from "node:worker_threads";

/** A loopback port that refuses connections: it was free a moment ago. */
export async function refusingPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** The first of so many loopback ports in a row that were free a moment ago. */
export async function portsInARow(count: number): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const first = await refusingPort();
    const areFree = await Promise.all(Array.from({ length: count }, (_, i) => isFree(first + i)));
    if (areFree.every(Boolean)) return first;
  }
  throw new Error(`no ${count} free ports in a row`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, "127.0.0.1"), "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

export interface SilentPort {
  readonly port: number;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Listens with the shortest queue and then never returns to its event loop, so that nothing is accepted. */
const LISTEN_AND_STOP = `
const { createServer } = require("node:net");
const { parentPort, workerData } = require("node:worker_threads");
const server = createServer();
server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  Atomics.wait(new Int32Array(workerData), 0, 0);
  process.exit();
});
`;

/** A loopback port on which connecting neither succeeds nor fails: the queue of its listener is full (Linux). */
export async function silentPort(): Promise<SilentPort> {
  const stop = new SharedArrayBuffer(4);
  const worker = new Worker(LISTEN_AND_STOP, { eval: true, workerData: stop });
  const [port] = (await once(worker, "message")) as [number];
  const fillers = await fillQueue(port);
  const close = async (): Promise<void> => {
    for (const filler of fillers) filler.destroy();
    const exited = once(worker, "exit");
    Atomics.store(new Int32Array(stop), 0, 1);
    Atomics.notify(new Int32Array(stop), 0);
    await exited;
  };
  return { port, close, [Symbol.asyncDispose]: close };
}

/** Connects until a connection hangs; the kernel completes a few more than the queue's nominal length. */
async function fillQueue(port: number): Promise<Socket[]> {
  const fillers: Socket[] = [];
  for (;;) {
    const filler = connect({ port, host: "127.0.0.1" });
    filler.on("error", () => undefined);
    fillers.push(filler);
    const limit = AbortSignal.timeout(150);
    const isConnected = await once(filler, "connect", { signal: limit }).then(
      () => true,
      () => false,
    );
    if (!isConnected) return fillers;
    if (fillers.length > 64) throw new Error("the listener's queue does not fill up on this system");
  }
}
