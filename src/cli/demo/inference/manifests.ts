/**
 * What the gateway of the inference demo is configured with: standard resources, as people would write them, for both fleets.
 *
 * The two pools differ in their policy, and in that only one listens to cache events; health checks are the same.
 */
import { engineName, type Fleet } from "./fleets.ts";

const GATEWAY = "demo";
const POOL_API = "inference.networking.k8s.io";

/** YAML documents, written as JSON. */
export function manifestsOf(fleets: readonly Fleet[]): string {
  const documents = [
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "GatewayClass",
      metadata: { name: "plimsoll" },
      spec: { controllerName: "plimsoll.dev/gateway" },
    },
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: GATEWAY },
      spec: {
        gatewayClassName: "plimsoll",
        listeners: fleets.map(({ pool, gatewayPort }) => ({
          name: pool,
          port: gatewayPort,
          protocol: "HTTP",
        })),
      },
    },
    ...fleets.flatMap(fleetDocuments),
  ];
  return documents.map((document) => JSON.stringify(document, null, 2)).join("\n---\n");
}

function fleetDocuments({ pool, policy, enginePorts, eventPorts }: Fleet): readonly object[] {
  const route = {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: pool },
    spec: {
      parentRefs: [{ name: GATEWAY, sectionName: pool }],
      rules: [{ backendRefs: [{ group: POOL_API, kind: "InferencePool", name: pool }] }],
    },
  };
  const inferencePool = {
    apiVersion: `${POOL_API}/v1`,
    kind: "InferencePool",
    metadata: { name: pool },
    spec: {
      selector: { matchLabels: { pool } },
      targetPorts: enginePorts.map((number) => ({ number })),
    },
  };
  const pods = enginePorts.map((port, index) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${pool}-${engineName(index)}`,
      labels: { pool, "llm-d.ai/engine-type": "vllm" },
      annotations: { "llm-d.ai/active-ports": String(port) },
    },
    status: { podIP: "127.0.0.1", conditions: [{ type: "Ready", status: "True" }] },
  }));
  const backendPolicy = {
    apiVersion: "plimsoll.dev/v1alpha1",
    kind: "BackendPolicy",
    metadata: { name: pool },
    spec: {
      targetRefs: [{ group: POOL_API, kind: "InferencePool", name: pool }],
      balancing: {
        policy,
        ...(eventPorts === undefined
          ? {}
          : { inference: { kvEvents: { port: eventPorts.publish, replayPort: eventPorts.replay } } }),
      },
      healthCheck: {
        intervalSeconds: 1,
        timeoutSeconds: 1,
        unhealthyThreshold: 2,
        healthyThreshold: 2,
        httpGet: { path: "/health" },
      },
    },
  };
  return [route, inferencePool, ...pods, backendPolicy];
}
