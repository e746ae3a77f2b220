/**
 * Are the demo's ports free? They are fixed, because the manifests name them and the footer tells people to curl them.
 */
import { createServer } from "node:net";
import { LOOPBACK } from "./endpoint-server.ts";

export interface WantedPort {
  readonly port: number;
  /** What for, as in "the gateway". */
  readonly use: string;
}

export async function takenPorts(wanted: readonly WantedPort[]): Promise<readonly WantedPort[]> {
  const free = await Promise.all(wanted.map(({ port }) => isFree(port)));
  return wanted.filter((_, index) => free[index] === false);
}

export function explainTaken(taken: readonly WantedPort[]): string {
  const lines = taken.map(({ port, use }) => `  port ${port}, wanted for ${use}`);
  const show =
    process.platform === "linux" ? `ss -ltnp 'sport = :${taken[0]?.port}'` : `lsof -i :${taken[0]?.port}`;
  return [
    "The demo cannot start: another program listens on",
    ...lines,
    `Stop that program and try again; \`${show}\` shows which it is. Perhaps a demo is running already.`,
  ].join("\n");
}

/** Tried on loopback and on all addresses: the endpoints listen on the one, the gateway on the other. */
async function isFree(port: number): Promise<boolean> {
  return (await canListen(port, LOOPBACK)) && (await canListen(port, undefined));
}

function canListen(port: number, host: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => server.close(() => resolve(true)));
  });
}
