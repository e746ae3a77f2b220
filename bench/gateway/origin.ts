/**
 * The origin: the one server behind all proxies.
 *
 * Files and the small answer come from nginx where it is installed, because it costs the machine least; otherwise
 * from our raw socket server. Event streams always come from the raw socket server, which writes each event by
 * itself. Both run for the whole bench and are the same for every proxy.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { start } from "../lib/children.ts";
import { freePorts, HOST, waitUntilReady } from "../lib/network.ts";
import { nginxVersion, runNginx } from "./peers/nginx.ts";
import { SMALL_BODY } from "./rows.ts";

export interface Origin {
  readonly kind: "nginx" | "node";
  /** Answers /small, /10k and /1m. */
  readonly filePort: number;
  /** Answers /sse. */
  readonly streamPort: number;
}

export async function startOrigin(folder: string): Promise<Origin> {
  const [streamPort = 0, filePort = 0] = await freePorts(2);
  const server = join(import.meta.dirname, "origin-server.ts");
  const child = start(process.execPath, [server, String(streamPort)]);
  await waitUntilReady("the stream origin", child, streamPort, "/small");
  if ((await nginxVersion()) === undefined) return { kind: "node", filePort: streamPort, streamPort };

  const files = join(folder, "files");
  mkdirSync(files);
  writeFileSync(join(files, "10k"), Buffer.alloc(10 * 1024, "x"));
  writeFileSync(join(files, "1m"), Buffer.alloc(1024 * 1024, "x"));
  const blocks = `  open_file_cache max=10;
  sendfile on;
  server {
    listen ${HOST}:${filePort} backlog=4096;
    location = /small { return 200 '${SMALL_BODY}'; }
    location / { root ${files}; }
  }`;
  const nginx = runNginx(folder, blocks);
  await waitUntilReady("the nginx origin", nginx, filePort, "/small");
  return { kind: "nginx", filePort, streamPort };
}
