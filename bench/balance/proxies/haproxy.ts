/**
 * HAProxy: leastconn (the least of all) and random(2) (the lesser of two).
 */
import { HAPROXY_MISSING, haproxyVersion, runHaproxy } from "../../gateway/peers/haproxy.ts";
import type { Missing } from "../../gateway/peers/peer.ts";
import { freePorts, HOST, waitUntilReady } from "../../lib/network.ts";
import { ATTEMPTS, CONNECTIONS, HEALTH_PATH, type Proxy } from "./proxy.ts";

const POLICIES = { leastconn: "leastconn", random2: "random(2)" } as const;

function config(port: number, endpoints: readonly number[], balance: string): string {
  const servers = endpoints.map((endpoint, index) => `  server s${index} ${HOST}:${endpoint}`).join("\n");
  return `global
  nbthread 1
  maxconn 8192

defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option forwardfor
  http-reuse always

frontend front
  bind ${HOST}:${port} backlog 4096
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Request-Id %[uuid()]
  default_backend fleet

backend fleet
  balance ${balance}
  retries ${ATTEMPTS - 1}
  retry-on conn-failure empty-response 503
  option redispatch 1
  option httpchk GET ${HEALTH_PATH}
  default-server check inter 2s fall 3 rise 2 observe layer7 error-limit 10 on-error mark-down pool-max-conn ${CONNECTIONS}
${servers}
`;
}

export async function findHaproxy(): Promise<readonly Proxy[] | Missing> {
  const version = await haproxyVersion();
  if (version === undefined) return HAPROXY_MISSING;
  return Object.entries(POLICIES).map(([policy, balance]) => ({
    name: `haproxy ${policy}`,
    program: "haproxy",
    version,
    async start(endpoints, folder) {
      const [port = 0] = await freePorts(1);
      const child = runHaproxy(folder, config(port, endpoints, balance));
      await waitUntilReady("haproxy", child, port, HEALTH_PATH);
      return { child, port };
    },
  }));
}
