/**
 * docs/metrics.md: every metric family, as the running gateway registers them.
 */
import { pino } from "pino";
import { ConfigState } from "../../src/app/config-state.ts";
import { HealthMetrics } from "../../src/app/metrics/health.ts";
import { InferenceMetrics } from "../../src/app/metrics/inference.ts";
import { PickerMetrics } from "../../src/app/metrics/picker.ts";
import { Registry } from "../../src/app/metrics/registry.ts";
import { TrafficMetrics } from "../../src/app/metrics/traffic.ts";
import { observeGateway } from "../../src/edge/admin/gateway-metrics.ts";
import { observePicker } from "../../src/edge/extproc/picker.ts";
import { Gateway } from "../../src/edge/http/gateway.ts";
import { DEFAULT_CLIENT_LIMITS } from "../../src/edge/http/limits.ts";
import { Recorder } from "../../src/edge/record/recorder.ts";
import { createPrng } from "../../src/std/prng.ts";
import { generatedFrom, table } from "./markdown.ts";

export function renderMetrics(): string {
  const registry = new Registry();
  const metrics = new TrafficMetrics(registry);
  const inference = new InferenceMetrics(registry);
  const recorder = new Recorder(metrics, inference, pino({ level: "silent" }), undefined);
  const gateway = new Gateway({
    limits: DEFAULT_CLIENT_LIMITS,
    prng: createPrng(0),
    metrics,
    recorder,
    clock: () => 0,
    requestIdPrefix: "",
  });
  const engines = { states: () => new Map<string, never>() };
  void new HealthMetrics(registry, () => []);
  observeGateway(registry, { gateway, config: new ConfigState(), recorder, accessLog: undefined, engines });
  void new PickerMetrics(registry);
  observePicker(registry, () => undefined);
  const rows = registry
    .families()
    .map(({ name, type, labels, help }) => [`\`${name}\``, type, labels.join(", "), help]);
  return `${generatedFrom("src/app/metrics, src/edge/admin/gateway-metrics.ts and engine-metrics.ts")}

# Metrics

On the admin port under \`/metrics\`, in Prometheus text format 0.0.4. Label values: \`route\` is \`namespace/route/rule\` (empty: no rule took the request),
\`pool\` is \`namespace/service:port\`, \`endpoint\` is \`address:port\`.

${table(["metric", "type", "labels", "meaning"], rows)}
`;
}
