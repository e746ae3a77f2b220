/**
 * Metrics that are read when they are asked for: endpoints, connections, configuration, the process.
 */
import type { ConfigState } from "../../app/config-state.ts";
import type { Registry } from "../../app/metrics/registry.ts";
import type { EndpointReport } from "../../core/balance/endpoint-report.ts";
import type { Gateway } from "../http/gateway.ts";
import { observeEngines, type EngineSource } from "./engine-metrics.ts";
import type { LineWriter } from "../record/line-writer.ts";
import type { Recorder } from "../record/recorder.ts";

export interface MetricSources {
  readonly gateway: Gateway;
  readonly config: ConfigState;
  readonly recorder: Recorder;
  readonly accessLog: LineWriter | undefined;
  readonly engines: EngineSource;
}

export function observeGateway(registry: Registry, sources: MetricSources): void {
  const { gateway, config, recorder, accessLog } = sources;
  observeEndpoints(registry, gateway);
  observeAdmission(registry, gateway);
  observeEngines(registry, sources.engines);
  const single = (name: string, type: "counter" | "gauge", help: string, read: () => number): void =>
    registry.observed({ name, type, labels: [], help }, () => [{ labels: {}, value: read() }]);

  single(
    "plimsoll_client_connections",
    "gauge",
    "Client connections now open.",
    () => gateway.connectionCount,
  );
  single(
    "plimsoll_config_epoch",
    "gauge",
    "Number of the configuration in force, counted from the start.",
    () => gateway.view.epoch,
  );
  registry.observed(
    {
      name: "plimsoll_config_reloads_total",
      type: "counter",
      labels: ["result"],
      help: "Configurations taken and rejected.",
    },
    () => [
      { labels: { result: "accepted" }, value: config.acceptedCount },
      { labels: { result: "rejected" }, value: config.rejectedCount },
    ],
  );
  single(
    "plimsoll_config_last_reload_successful",
    "gauge",
    "1 if the latest configuration is in force, 0 if it was rejected.",
    () => (config.rejected === undefined ? 1 : 0),
  );
  single("plimsoll_access_log_dropped_total", "counter", "Access log lines that could not be written.", () =>
    accessLog === undefined ? 0 : accessLog.dropped,
  );
  single(
    "plimsoll_defects_total",
    "counter",
    "Exchanges ended by a defect in Plimsoll.",
    () => recorder.defects,
  );
  observeProcess(single);
}

/** Per endpoint: what is told, and how it is read from the brain's report. */
const ENDPOINT_FAMILIES: readonly (readonly [
  name: string,
  type: "counter" | "gauge",
  help: string,
  read: (endpoint: EndpointReport) => number | undefined,
])[] = [
  [
    "plimsoll_endpoint_healthy",
    "gauge",
    "1 if the endpoint is healthy, 0 otherwise.",
    (endpoint) => (endpoint.state === "healthy" ? 1 : 0),
  ],
  ["plimsoll_endpoint_in_flight", "gauge", "Requests the endpoint is serving for us now.", (e) => e.inFlight],
  [
    "plimsoll_endpoint_share",
    "gauge",
    "Share of the pool's traffic it would get now, 0 to 1.",
    (e) => e.share,
  ],
  [
    "plimsoll_endpoint_latency_seconds",
    "gauge",
    "Estimated time to its first byte.",
    (endpoint) => (endpoint.latencyMs === undefined ? undefined : endpoint.latencyMs / 1000),
  ],
  ["plimsoll_endpoint_attempts_total", "counter", "Attempts that ended on the endpoint.", (e) => e.requests],
  ["plimsoll_endpoint_failures_total", "counter", "Attempts that failed on the endpoint.", (e) => e.failures],
];

function observeEndpoints(registry: Registry, gateway: Gateway): void {
  const labels = ["pool", "endpoint"];
  const facts = ENDPOINT_FAMILIES.map(([name, type, help]) => ({ name, type, labels, help }));
  // One report per pool and scrape: with 10,000 endpoints a report takes milliseconds.
  registry.observedTogether(facts, function* () {
    for (const pool of gateway.view.pools.values()) {
      for (const endpoint of pool.brain.report(gateway.clock())) {
        const values = ENDPOINT_FAMILIES.map(([, , , read]) => read(endpoint));
        yield { labels: { pool: pool.key, endpoint: endpoint.key }, values };
      }
    }
  });
}

function observeAdmission(registry: Registry, gateway: Gateway): void {
  const byClass = (name: string, help: string, read: (queue: { underWay: number; size: number }) => number) =>
    registry.observed({ name, type: "gauge", labels: ["pool", "class"], help }, function* () {
      for (const { key: pool, admission } of gateway.view.pools.values()) {
        for (const queue of admission.classes) {
          yield { labels: { pool, class: queue.policy.name }, value: read(queue) };
        }
      }
    });
  byClass(
    "plimsoll_admission_under_way",
    "Requests under way, by class of work.",
    ({ underWay }) => underWay,
  );
  byClass(
    "plimsoll_admission_waiting",
    "Requests that wait for their turn, by class of work.",
    ({ size }) => size,
  );
  registry.observed(
    {
      name: "plimsoll_admission_limit",
      type: "gauge",
      labels: ["pool"],
      help: "Requests that the pool may have under way; absent where nothing limits it.",
    },
    function* () {
      for (const { key: pool, admission } of gateway.view.pools.values()) {
        if (Number.isFinite(admission.limit)) yield { labels: { pool }, value: admission.limit };
      }
    },
  );
}

/** Under the names that Prometheus client libraries use. */
function observeProcess(
  single: (name: string, type: "counter" | "gauge", help: string, read: () => number) => void,
): void {
  const startedSec = Date.now() / 1000 - process.uptime();
  single("process_cpu_seconds_total", "counter", "Processor time of the process.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  single("process_resident_memory_bytes", "gauge", "Resident memory.", () => process.memoryUsage.rss());
  single("process_start_time_seconds", "gauge", "Start of the process since the epoch.", () => startedSec);
  single("nodejs_heap_size_used_bytes", "gauge", "Heap in use.", () => process.memoryUsage().heapUsed);
}
