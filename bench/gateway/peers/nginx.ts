/**
 * nginx as a peer, and the pieces of its configuration that the nginx origin shares.
 *
 * Tuned as an operator who wants speed would: upstream keep-alive, no access log, large buffers in memory and no
 * temporary files (by default nginx spools answers beyond 64 KB to disk when the client is slower), buffering off
 * for the stream only. Upstream connections are renewed after 1,000 requests, which is nginx's and our default.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, output, start } from "../../lib/children.ts";
import { freePorts, HOST, waitUntilReady } from "../../lib/network.ts";
import { IDLE_SECONDS, type Missing, type Peer, UPSTREAM_CONNECTIONS } from "./peer.ts";

/** Everything around the `server` blocks: one worker, files in `folder`, room for 1,000 idle clients. */
export function nginxConfig(folder: string, blocks: string): string {
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${join(folder, name)};`)
    .join("\n");
  // As root the worker would become `nobody`, who may not enter the temporary folder.
  const user = process.getuid?.() === 0 ? "user root;\n" : "";
  return `${user}daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid ${join(folder, "nginx.pid")};
error_log ${join(folder, "error.log")} warn;
events { worker_connections 8192; }
http {
${temp}
  access_log off;
  default_type application/json;
  tcp_nodelay on;
  keepalive_timeout ${IDLE_SECONDS}s;
  keepalive_requests 100000000;
${blocks}
}
`;
}

/** What every location of a reverse proxy has here. */
export const NGINX_HEADERS = `      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Request-Id $request_id;`;

function proxyBlocks(port: number, originPort: number, streamPort: number): string {
  return `  upstream origin { server ${HOST}:${originPort}; keepalive ${UPSTREAM_CONNECTIONS}; keepalive_requests 1000; }
  upstream stream { server ${HOST}:${streamPort}; keepalive ${UPSTREAM_CONNECTIONS}; keepalive_requests 1000; }
  server {
    listen ${HOST}:${port} backlog=4096;
    location / {
      proxy_pass http://origin;
      proxy_buffer_size 64k;
      proxy_buffers 8 128k;
      proxy_busy_buffers_size 256k;
      proxy_max_temp_file_size 0;
${NGINX_HEADERS}
    }
    location /sse {
      proxy_pass http://stream;
      proxy_buffering off;
${NGINX_HEADERS}
    }
  }`;
}

export async function nginxVersion(): Promise<string | undefined> {
  try {
    return /nginx\/(\S+)/.exec(await output("nginx", ["-v"]))?.[1];
  } catch {
    return undefined;
  }
}

export function runNginx(folder: string, blocks: string): Child {
  const file = join(folder, "nginx.conf");
  writeFileSync(file, nginxConfig(folder, blocks));
  return start("nginx", ["-p", folder, "-c", file, "-e", join(folder, "error.log")]);
}

export const NGINX_MISSING: Missing = {
  missing: "nginx is not on PATH (scripts/install-peers.sh installs it)",
};

export async function findNginx(): Promise<Peer | Missing> {
  const version = await nginxVersion();
  if (version === undefined) return NGINX_MISSING;
  return {
    name: "nginx",
    version,
    async start(origin, folder) {
      const [port = 0] = await freePorts(1);
      const child = runNginx(folder, proxyBlocks(port, origin.filePort, origin.streamPort));
      await waitUntilReady("nginx", child, port, "/small");
      return { child, port };
    },
  };
}
