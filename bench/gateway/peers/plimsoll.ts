/**
 * Plimsoll's own gateway as a peer, started by the same command and from the same kind of manifests as a user's.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { start } from "../../lib/children.ts";
import { freePorts, HOST, waitUntilReady } from "../../lib/network.ts";
import type { Missing, Peer, RunningPeer } from "./peer.ts";

const ROOT = join(import.meta.dirname, "../../..");
const COMMAND = join(ROOT, "bin/plimsoll");

/** A Service and its endpoints, all on loopback. */
export function service(name: string, ports: readonly number[]): string {
  const slices = ports.map(
    (port, index) => `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-${index}, namespace: default, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http, port: ${port}, protocol: TCP }]
endpoints: [{ addresses: ["${HOST}"], conditions: { ready: true } }]
`,
  );
  return `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: default }
spec:
  ports: [{ name: http, port: 80, targetPort: http }]
${slices.join("")}`;
}

/** A listener on `port`, and a route with these rules. */
export function gateway(port: number, rules: string): string {
  return `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: plimsoll }
spec: { controllerName: plimsoll.dev/gateway }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: bench, namespace: default }
spec:
  gatewayClassName: plimsoll
  listeners: [{ name: http, protocol: HTTP, port: ${port} }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: bench, namespace: default }
spec:
  parentRefs: [{ name: bench }]
  rules:
${rules}
`;
}

const RULES = `    - matches: [{ path: { type: PathPrefix, value: /sse } }]
      backendRefs: [{ name: stream, port: 80 }]
    - matches: [{ path: { type: PathPrefix, value: / } }]
      backendRefs: [{ name: origin, port: 80 }]`;

/** Undefined where the command is not there. */
export function plimsollVersion(): string | undefined {
  if (!existsSync(COMMAND)) return undefined;
  return (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version;
}

export const PLIMSOLL_MISSING: Missing = { missing: "plimsoll: bin/plimsoll is not there" };

/** Serves the manifests; resolves when the gateway calls itself ready. */
export async function runPlimsoll(folder: string, manifests: (port: number) => string): Promise<RunningPeer> {
  const [port = 0, admin = 0] = await freePorts(2);
  writeFileSync(join(folder, "bench.yaml"), manifests(port));
  const args = ["serve", "-f", folder, "--admin", `${HOST}:${admin}`, "--access-log", "off"];
  const child = start(COMMAND, args);
  await waitUntilReady("plimsoll", child, admin, "/readyz");
  return { child, port };
}

export function findPlimsoll(): Peer | Missing {
  const version = plimsollVersion();
  if (version === undefined) return PLIMSOLL_MISSING;
  return {
    name: "plimsoll",
    version,
    async start(origin, folder) {
      const services = service("origin", [origin.filePort]) + service("stream", [origin.streamPort]);
      const running = await runPlimsoll(folder, (port) => gateway(port, RULES) + services);
      await waitUntilReady("plimsoll", running.child, running.port, "/small");
      return running;
    },
  };
}
