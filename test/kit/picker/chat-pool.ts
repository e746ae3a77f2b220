/**
 * Manifests for a picker under test: one InferencePool `chat`, and a route of a Gateway that leads to it.
 */
export interface ChatPool {
  /** Of every host; at most 8, which is what a pool may have on one Pod. */
  readonly ports: readonly number[];
  /** A Pod each. */
  readonly hosts: readonly string[];
  /** Whether the Pods are; default true. */
  readonly ready?: boolean | undefined;
  /** The Gateway's own. */
  readonly listenerPort: number;
  /** Documents beside the pool's own. */
  readonly more?: readonly object[] | undefined;
}

const GROUP = "inference.networking.k8s.io";
const meta = (name: string): object => ({ name, namespace: "default" });

/** JSON documents, which are YAML too. */
export function chatPool({ ports, hosts, ready = true, listenerPort, more = [] }: ChatPool): string {
  const documents: object[] = [
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "GatewayClass",
      metadata: { name: "plimsoll" },
      spec: { controllerName: "plimsoll.dev/gateway" },
    },
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: meta("front"),
      spec: {
        gatewayClassName: "plimsoll",
        listeners: [{ name: "http", protocol: "HTTP", port: listenerPort }],
      },
    },
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: meta("chat"),
      spec: {
        parentRefs: [{ name: "front" }],
        rules: [{ backendRefs: [{ group: GROUP, kind: "InferencePool", name: "chat" }] }],
      },
    },
    {
      apiVersion: `${GROUP}/v1`,
      kind: "InferencePool",
      metadata: meta("chat"),
      spec: {
        selector: { matchLabels: { app: "chat" } },
        targetPorts: ports.map((number) => ({ number })),
      },
    },
    ...hosts.map((podIP, index) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...meta(`chat-${index}`), labels: { app: "chat" } },
      status: { podIP, conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
    })),
    ...more,
  ];
  return documents.map((document) => JSON.stringify(document)).join("\n---\n");
}

/** Requests with `x-drop: 1`: one may be under way, and the next may not wait. */
export const ONE_AT_A_TIME: readonly object[] = [
  {
    apiVersion: "plimsoll.dev/v1alpha1",
    kind: "WorkloadClass",
    metadata: meta("dropped"),
    spec: {
      match: [{ headers: [{ name: "x-drop", value: "1" }] }],
      treatment: { maxConcurrencyPercent: 0.1, queue: { maxLength: 0 } },
    },
  },
  {
    apiVersion: "plimsoll.dev/v1alpha1",
    kind: "BackendPolicy",
    metadata: meta("limited"),
    spec: {
      targetRefs: [{ group: GROUP, kind: "InferencePool", name: "chat" }],
      circuitBreaker: { maxRequests: 1000 },
    },
  },
];
