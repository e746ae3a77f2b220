/**
 * nginx: least_conn (the least of all) and random two least_conn (the lesser of two).
 *
 * `zone` gives the counts to all workers; there is one here, but an operator has it.
 */
import type { Missing } from "../../gateway/peers/peer.ts";
import { NGINX_HEADERS, NGINX_MISSING, nginxVersion, runNginx } from "../../gateway/peers/nginx.ts";
import { freePorts, HOST, waitUntilReady } from "../../lib/network.ts";
import { ATTEMPTS, CONNECTIONS, HEALTH_PATH, type Proxy } from "./proxy.ts";

const POLICIES = { least_conn: "least_conn", random2: "random two least_conn" } as const;

function blocks(port: number, endpoints: readonly number[], method: string): string {
  const servers = endpoints.map((endpoint) => `    server ${HOST}:${endpoint};`).join("\n");
  return `  upstream fleet {
    zone fleet 256k;
    ${method};
${servers}
    keepalive ${CONNECTIONS};
  }
  server {
    listen ${HOST}:${port} backlog=4096;
    location / {
      proxy_pass http://fleet;
      proxy_next_upstream error timeout http_503;
      proxy_next_upstream_tries ${ATTEMPTS};
${NGINX_HEADERS}
    }
  }`;
}

export async function findNginx(): Promise<readonly Proxy[] | Missing> {
  const version = await nginxVersion();
  if (version === undefined) return NGINX_MISSING;
  return Object.entries(POLICIES).map(([policy, method]) => ({
    name: `nginx ${policy}`,
    program: "nginx",
    version,
    async start(endpoints, folder) {
      const [port = 0] = await freePorts(1);
      const child = runNginx(folder, blocks(port, endpoints, method));
      await waitUntilReady("nginx", child, port, HEALTH_PATH);
      return { child, port };
    },
  }));
}
