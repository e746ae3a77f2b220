/**
 * Plimsoll under each of its policies, by the same command and manifests as a user's. Auto is what it does where nobody
 * says anything, and has no BackendPolicy at all.
 */
import {
  gateway,
  PLIMSOLL_MISSING,
  plimsollVersion,
  runPlimsoll,
  service,
} from "../../gateway/peers/plimsoll.ts";
import type { Missing } from "../../gateway/peers/peer.ts";
import { waitUntilReady } from "../../lib/network.ts";
import { HEALTH_PATH, type Proxy } from "./proxy.ts";

const POLICIES = ["Auto", "PeakEwma", "LeastRequest", "LocalityAware", "Prequal", "RoundRobin"] as const;

const RULES = `    - matches: [{ path: { type: PathPrefix, value: / } }]
      backendRefs: [{ name: fleet, port: 80 }]`;

function backendPolicy(policy: string): string {
  if (policy === "Auto") return "";
  return `---
apiVersion: plimsoll.dev/v1alpha1
kind: BackendPolicy
metadata: { name: fleet, namespace: default }
spec:
  targetRefs: [{ group: "", kind: Service, name: fleet }]
  balancing: { policy: ${policy} }
`;
}

export function findPlimsoll(): readonly Proxy[] | Missing {
  const version = plimsollVersion();
  if (version === undefined) return PLIMSOLL_MISSING;
  return POLICIES.map((policy) => ({
    name: `plimsoll ${policy}`,
    program: "plimsoll",
    version,
    async start(endpoints, folder) {
      const fleet = service("fleet", endpoints) + backendPolicy(policy);
      const running = await runPlimsoll(folder, (port) => gateway(port, RULES) + fleet);
      await waitUntilReady("plimsoll", running.child, running.port, HEALTH_PATH);
      return running;
    },
  }));
}
