/**
 * Manifests of an InferencePool named `models` whose endpoints listen on loopback: each is a Pod of its own.
 */
export const INFERENCE_GROUP = "inference.networking.k8s.io";

/** `labels`: of each endpoint's Pod. */
export function inferencePool(
  endpoints: readonly { readonly port: number }[],
  labels?: readonly Readonly<Record<string, string>>[],
): object[] {
  const ports = endpoints.map(({ port }) => port);
  return [
    {
      apiVersion: `${INFERENCE_GROUP}/v1`,
      kind: "InferencePool",
      metadata: { name: "models" },
      spec: {
        selector: { matchLabels: { app: "models" } },
        targetPorts: (ports.length === 0 ? [1] : ports).map((number) => ({ number })),
      },
    },
    ...ports.map((port, index) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `model-${index}`,
        labels: { app: "models", ...labels?.[index] },
        annotations: { "llm-d.ai/active-ports": String(port) },
      },
      status: { podIP: "127.0.0.1", conditions: [{ type: "Ready", status: "True" }] },
    })),
  ];
}
