/**
 * http-proxy-3 as a peer: the maintained fork of the proxy library that most Node programs use.
 *
 * It lives in bench/gateway/node_modules with a lockfile of its own, so that no peer ever enters the product's
 * dependencies. It is installed on first use.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { output, start } from "../../lib/children.ts";
import { freePorts, waitUntilReady } from "../../lib/network.ts";
import type { Missing, Peer } from "./peer.ts";

const HOME = join(import.meta.dirname, "..");
const MANIFEST = join(HOME, "node_modules/http-proxy-3/package.json");

export async function findHttpProxy3(say: (line: string) => void): Promise<Peer | Missing> {
  if (!existsSync(MANIFEST)) {
    say("http-proxy-3: installing into bench/gateway/node_modules (npm ci) ...");
    try {
      await output("npm", ["ci", "--no-audit", "--no-fund"], HOME);
    } catch (error) {
      return { missing: `http-proxy-3 could not be installed: ${(error as Error).message}` };
    }
  }
  const { version } = JSON.parse(readFileSync(MANIFEST, "utf8")) as { version: string };
  return {
    name: "http-proxy-3",
    version,
    async start(origin, _folder) {
      const [port = 0] = await freePorts(1);
      const child = start(process.execPath, [
        join(import.meta.dirname, "http-proxy-3-server.ts"),
        String(port),
        String(origin.filePort),
        String(origin.streamPort),
      ]);
      await waitUntilReady("http-proxy-3", child, port, "/small");
      return { child, port };
    },
  };
}
