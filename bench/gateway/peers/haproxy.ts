/**
 * HAProxy as a peer: one process, one thread, upstream connections shared among clients. For the stream it is told
 * not to gather chunks (`http-no-delay`), as nginx is (`proxy_buffering off`): all must do the same work.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, output, start } from "../../lib/children.ts";
import { freePorts, HOST, waitUntilReady } from "../../lib/network.ts";
import type { Origin } from "../origin.ts";
import { IDLE_SECONDS, type Missing, type Peer, UPSTREAM_CONNECTIONS } from "./peer.ts";

function haproxyConfig(port: number, origin: Origin): string {
  return `global
  nbthread 1
  maxconn 8192

defaults
  mode http
  timeout connect 5s
  timeout client ${IDLE_SECONDS}s
  timeout server ${IDLE_SECONDS}s
  timeout http-keep-alive ${IDLE_SECONDS}s
  option forwardfor
  http-reuse always

frontend front
  bind ${HOST}:${port} backlog 4096
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Request-Id %[uuid()]
  acl is_stream path_beg /sse
  use_backend stream if is_stream
  default_backend origin

backend origin
  server o1 ${HOST}:${origin.filePort} pool-max-conn ${UPSTREAM_CONNECTIONS} pool-purge-delay ${IDLE_SECONDS}s

backend stream
  option http-no-delay
  server s1 ${HOST}:${origin.streamPort} pool-max-conn ${UPSTREAM_CONNECTIONS} pool-purge-delay ${IDLE_SECONDS}s
`;
}

/** Undefined where it is not installed. */
export async function haproxyVersion(): Promise<string | undefined> {
  try {
    return /version (\S+)/.exec(await output("haproxy", ["-v"]))?.[1] ?? "unknown";
  } catch {
    return undefined;
  }
}

/** -db: stays in the foreground, without a master process. */
export function runHaproxy(folder: string, config: string): Child {
  const file = join(folder, "haproxy.cfg");
  writeFileSync(file, config);
  return start("haproxy", ["-db", "-f", file]);
}

export const HAPROXY_MISSING: Missing = {
  missing: "haproxy is not on PATH (scripts/install-peers.sh installs it)",
};

export async function findHaproxy(): Promise<Peer | Missing> {
  const version = await haproxyVersion();
  if (version === undefined) return HAPROXY_MISSING;
  return {
    name: "haproxy",
    version,
    async start(origin, folder) {
      const [port = 0] = await freePorts(1);
      const child = runHaproxy(folder, haproxyConfig(port, origin));
      await waitUntilReady("haproxy", child, port, "/small");
      return { child, port };
    },
  };
}
