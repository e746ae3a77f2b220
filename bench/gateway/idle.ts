/**
 * Idle connections: what a thousand clients cost that have had one answer and now say nothing.
 *
 * Measured on a fresh instance that has been warmed by some load, because a program that has already grown for
 * a thousand connections would show none of their memory the second time. Memory is resident size; the kernel's
 * own socket memory is the same for all and not in it.
 */
import { connect, type Socket } from "node:net";
import { sleep } from "../lib/children.ts";
import { HOST } from "../lib/network.ts";
import { familyOf, fineCpuSeconds, usage } from "../lib/processes.ts";
import type { RunningPeer } from "./peers/peer.ts";
import type { Row } from "./rows.ts";

export interface IdleResult {
  readonly connections: number;
  /** Of those, how many were still open at the end. */
  readonly open: number;
  readonly memoryKbPerConnection: number;
  /** Of one core, over the measured seconds. */
  readonly cpuPercent: number;
  readonly residentMb: number;
}

/** Connections opened at a time: below every listen backlog. */
const BATCH = 50;
/** Time for buffers to be given back and timers of the start to pass. */
const SETTLE_MS = 1000;

export async function measureIdle(peer: RunningPeer, row: Row, seconds: number): Promise<IdleResult> {
  const family = familyOf(peer.child.pid);
  await sleep(SETTLE_MS);
  const before = usage(family);
  const sockets: Socket[] = [];
  try {
    for (let opened = 0; opened < row.connections; opened += BATCH) {
      const count = Math.min(BATCH, row.connections - opened);
      sockets.push(...(await Promise.all(Array.from({ length: count }, () => openOne(peer.port, row.path)))));
    }
    await sleep(SETTLE_MS);
    const grown = usage(family);
    const cpuBefore = fineCpuSeconds(family);
    const startedAt = performance.now();
    await sleep(seconds * 1000);
    const cpuSeconds = fineCpuSeconds(family) - cpuBefore;
    const elapsedSeconds = (performance.now() - startedAt) / 1000;
    return {
      connections: row.connections,
      open: sockets.filter((socket) => !socket.destroyed && socket.readable).length,
      memoryKbPerConnection: (grown.residentBytes - before.residentBytes) / 1024 / row.connections,
      cpuPercent: (cpuSeconds / elapsedSeconds) * 100,
      residentMb: grown.residentBytes / 1024 / 1024,
    };
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** Opens a connection, has one request answered on it (all of the answer fits one read or two) and leaves it be. */
function openOne(port: number, path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: HOST });
    let text = "";
    socket.setEncoding("latin1");
    socket.once("error", reject);
    socket.once("connect", () => socket.write(`GET ${path} HTTP/1.1\r\nHost: ${HOST}:${port}\r\n\r\n`));
    socket.on("data", (part: string) => {
      text += part;
      if (text.endsWith("}")) resolve(socket);
    });
    socket.once("close", () => reject(new Error(`an idle connection was closed: ${text.slice(0, 200)}`)));
  });
}
