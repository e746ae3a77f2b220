/**
 * Plimsoll's own gateway as a peer, started by the same command and from the same kind of manifests as a user's.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { start } from "../children.ts";
import { freePorts, HOST, waitUntilReady } from "../network.ts";
import type { Origin } from "../origin.ts";
import type { Missing, Peer } from "./peer.ts";

const ROOT = join(import.meta.dirname, "../../..");
const COMMAND = join(ROOT, "bin/plimsoll");

function service(name: string, port: number): string {
  return `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: default }
spec:
  ports: [{ name: http, port: 80, targetPort: ${port} }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, namespace: default, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http, port: ${port}, protocol: TCP }]
endpoints: [{ addresses: ["${HOST}"], conditions: { ready: true } }]
`;
}

function manifests(port: number, origin: Origin): string {
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
    - matches: [{ path: { type: PathPrefix, value: /sse } }]
      backendRefs: [{ name: stream, port: 80 }]
    - matches: [{ path: { type: PathPrefix, value: / } }]
      backendRefs: [{ name: origin, port: 80 }]
${service("origin", origin.filePort)}${service("stream", origin.streamPort)}`;
}

export function findPlimsoll(): Peer | Missing {
  if (!existsSync(COMMAND)) return { missing: "plimsoll: bin/plimsoll is not there" };
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  return {
    name: "plimsoll",
    version,
    async start(origin, folder) {
      const [port = 0, admin = 0] = await freePorts(2);
      writeFileSync(join(folder, "bench.yaml"), manifests(port, origin));
      const args = ["serve", "-f", folder, "--admin", `${HOST}:${admin}`, "--access-log", "off"];
      const child = start(COMMAND, args);
      await waitUntilReady("plimsoll", child, admin, "/readyz");
      await waitUntilReady("plimsoll", child, port, "/small");
      return { child, port };
    },
  };
}
