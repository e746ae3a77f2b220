/**
 * The endpoints of an InferencePool: its Pods, times its target ports.
 *
 * A Pod counts that lies in the pool's namespace, has its labels and is Ready; one that is Ready but being deleted drains.
 * Each port it serves on is an endpoint of its own (data-parallel engines cache and queue apart), shown as `pod-rank-i` with i the
 * port's position in the pool. Identity stays address and port: a Pod that comes back under the same name has an empty cache.
 */
import { endpointKey } from "../../model/endpoint.ts";
import type { Endpoint } from "../../model/endpoint.ts";
import type { ModelServer } from "../../model/inference-pool.ts";
import type { Problem } from "../../model/problem.ts";
import type { Resource, Resources } from "../resources.ts";
import { canonicalIpv6, isIpv4, isIpv6 } from "../schema/names.ts";
import { activePorts, marksOf } from "./pod-marks.ts";
import { problemIn } from "./report.ts";

type Pod = Resource<"Pod">;
type Pool = Resource<"InferencePool">;

const ZONE_LABEL = "topology.kubernetes.io/zone";
const HOSTNAME_LABEL = "kubernetes.io/hostname";

export interface PoolEndpoints {
  /** Sorted by key, so that the same set is the same list. */
  readonly endpoints: readonly Endpoint[];
  /** In the same order. */
  readonly servers: readonly ModelServer[];
}

interface Listed {
  readonly endpoint: Endpoint;
  readonly server: ModelServer;
}

export function endpointsOfPool(pool: Pool, resources: Resources, problems: Problem[]): PoolEndpoints {
  const pods = podsOf(pool, resources.pods);
  const byKey = new Map<string, Listed>();
  for (const listed of pods.flatMap((pod) => listedOf(pool, pod, problems))) {
    // Two Pods on one address (host network, or one that leaves and one that comes): the one that serves is the truth.
    const known = byKey.get(listed.endpoint.key);
    if (known?.endpoint.condition !== "ready") byKey.set(listed.endpoint.key, listed);
  }
  const sorted = [...byKey.values()].toSorted(({ endpoint: a }, { endpoint: b }) =>
    a.key < b.key ? -1 : a.key > b.key ? 1 : 0,
  );
  // Without any Pod the endpoints are kept elsewhere, or not yet.
  if (sorted.length === 0 && resources.pods.length > 0) {
    const message =
      pods.length === 0
        ? `no Pod of namespace ${pool.namespace} has these labels, so the pool has no endpoints`
        : `no Pod with these labels (of ${pods.length}) is ready, so the pool has no endpoints`;
    problems.push(problemIn(pool, { severity: "warning", path: ["spec", "selector"], message }));
  }
  return {
    endpoints: sorted.map(({ endpoint }) => endpoint),
    servers: sorted.map(({ server }) => server),
  };
}

function podsOf(pool: Pool, pods: readonly Pod[]): readonly Pod[] {
  const wanted = Object.entries(pool.body.spec.selector.matchLabels);
  return pods.filter(
    ({ namespace, labels }) =>
      namespace === pool.namespace &&
      wanted.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value),
  );
}

function listedOf(pool: Pool, pod: Pod, problems: Problem[]): readonly Listed[] {
  const condition = conditionOf(pod);
  const address = addressOf(pod, problems);
  if (condition === undefined || address === undefined) return [];
  const targetPorts = pool.body.spec.targetPorts.map(({ number }) => number);
  const active = activePorts(pod, targetPorts, problems);
  const marks = marksOf(pod, problems);
  const labels = labelsOf(pod);
  return targetPorts.flatMap((port, rank): readonly Listed[] => {
    if (!active.has(port)) return [];
    const key = endpointKey(address, port);
    const displayName = `${pod.name}-rank-${rank}`;
    const zone = pod.labels[ZONE_LABEL];
    return [
      {
        endpoint: { key, address, port, zone, displayName, condition, labels },
        server: { key, pod: `${pod.namespace}/${pod.name}`, rank, ...marks },
      },
    ];
  });
}

function conditionOf({ body }: Pod): Endpoint["condition"] | undefined {
  const { phase, conditions } = body.status;
  if (phase === "Succeeded" || phase === "Failed") return undefined;
  if (!conditions.some(({ type, status }) => type === "Ready" && status === "True")) return undefined;
  return body.metadata.deletionTimestamp === undefined ? "ready" : "draining";
}

/** Undefined where the Pod has none yet, or one that is none. */
function addressOf(pod: Pod, problems: Problem[]): string | undefined {
  const { podIP, podIPs } = pod.body.status;
  const address = podIP ?? podIPs[0]?.ip;
  if (address === undefined || address === "" || isIpv4(address)) return address === "" ? undefined : address;
  if (isIpv6(address)) return canonicalIpv6(address);
  const path = podIP === undefined ? ["status", "podIPs", 0, "ip"] : ["status", "podIP"];
  const message = "not an address, so the Pod is passed over";
  problems.push(problemIn(pod, { severity: "warning", path, message, expected: "an IPv4 or IPv6 address" }));
  return undefined;
}

function labelsOf({ labels, body }: Pod): Readonly<Record<string, string>> {
  const { nodeName } = body.spec;
  return nodeName === undefined ? labels : { ...labels, [HOSTNAME_LABEL]: nodeName };
}
