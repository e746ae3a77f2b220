/**
 * Load reports as endpoints put them into a response: ORCA (gRFC A51, Envoy source/common/orca, xds.data.orca.v3).
 *
 * | field | value |
 * |---|---|
 * | `endpoint-load-metrics` | `TEXT cpu_utilization=0.3,named_metrics.gpu=0.5`, `JSON {...}` or `BIN <base64>` |
 * | `endpoint-load-metrics-bin` | base64 of the protobuf message, also as a gRPC trailer |
 * | `endpoint-load-metrics-json` | the JSON alone |
 *
 * Without a prefix the text form is meant; older endpoints write `name:value` in it. Names of the model's own signals
 * are known in the forms people use (`gpu`, `gpu_utilization`, `rif`, ...), whether given as a field, a utilisation or a
 * named metric; all other names are kept under `named`.
 *
 * Whatever comes is hostile: nothing throws, lengths and counts are bounded, numbers that are negative or not finite
 * are left out. Undefined: nothing usable in it.
 */
import type { LoadReport } from "../../model/load-report.ts";
import { bytesOfBase64 } from "./base64.ts";
import { readOrca } from "./orca-protobuf.ts";

export const LOAD_HEADER = "endpoint-load-metrics";
export const LOAD_HEADER_BINARY = "endpoint-load-metrics-bin";
export const LOAD_HEADER_JSON = "endpoint-load-metrics-json";

/** A generous report has a few hundred bytes. Longer is refused whole: half a report would be a wrong one. */
const LENGTH_MAX = 8_192;
/** Names beyond it are dropped. */
const NAMED_MAX = 64;

type NumericField = Exclude<keyof LoadReport, "named">;

const FIELD_OF: Readonly<Record<string, NumericField>> = {
  cpu: "cpu",
  cpu_utilization: "cpu",
  mem: "memory",
  memory: "memory",
  mem_utilization: "memory",
  memory_utilization: "memory",
  network: "network",
  network_utilization: "network",
  disk: "disk",
  disk_utilization: "disk",
  gpu: "gpu",
  gpu_utilization: "gpu",
  application_utilization: "application",
  rps: "requestsPerSec",
  rps_fractional: "requestsPerSec",
  qps: "requestsPerSec",
  eps: "errorsPerSec",
  rif: "inFlight",
  in_flight: "inFlight",
  inflight: "inFlight",
  requests_in_flight: "inFlight",
  latency_ms: "latencyMs",
  network_throughput: "networkMbitPerSec",
};

/** Collects what a report says, name by name. */
export class ReportBuilder {
  readonly #fields: Partial<Record<NumericField, number>> = {};
  readonly #named = new Map<string, number>();

  put(name: string, value: number): void {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) return;
    const field = Object.hasOwn(FIELD_OF, name) ? FIELD_OF[name] : undefined;
    if (field !== undefined) this.#fields[field] = value;
    else if (name !== "" && this.#named.size < NAMED_MAX) this.#named.set(name, value);
  }

  build(): LoadReport | undefined {
    const isNamed = this.#named.size > 0;
    if (!isNamed && Object.keys(this.#fields).length === 0) return undefined;
    return isNamed ? { ...this.#fields, named: Object.fromEntries(this.#named) } : this.#fields;
  }
}

/** `name`: one of the three fields, in lower case. */
export function parseLoadReport(name: string, value: string): LoadReport | undefined {
  if (value.length > LENGTH_MAX) return undefined;
  if (name === LOAD_HEADER_BINARY) return parseBinary(value);
  if (name === LOAD_HEADER_JSON) return parseJson(value);
  const text = value.trim();
  if (text.startsWith("JSON ")) return parseJson(text.slice(5));
  if (text.startsWith("BIN ")) return parseBinary(text.slice(4));
  return parseText(text.startsWith("TEXT ") ? text.slice(5) : text);
}

function parseText(text: string): LoadReport | undefined {
  const builder = new ReportBuilder();
  for (const part of text.split(",")) {
    const separator = part.search(/[=:]/);
    if (separator < 0) continue;
    builder.put(bareName(part.slice(0, separator).trim()), numberOf(part.slice(separator + 1).trim()));
  }
  return builder.build();
}

function parseJson(text: string): LoadReport | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
  const builder = new ReportBuilder();
  for (const [name, value] of Object.entries(parsed)) {
    if (typeof value !== "object" || value === null) builder.put(snakeCase(name), numberOf(value));
    // What one request cost is not a load.
    else if (snakeCase(name) !== "request_cost") {
      for (const [inner, number] of Object.entries(value)) builder.put(inner, numberOf(number));
    }
  }
  return builder.build();
}

function parseBinary(text: string): LoadReport | undefined {
  const bytes = bytesOfBase64(text.trim());
  if (bytes === undefined) return undefined;
  const builder = new ReportBuilder();
  return readOrca(bytes, builder) ? builder.build() : undefined;
}

function bareName(name: string): string {
  if (name.startsWith("named_metrics.")) return name.slice(14);
  return name.startsWith("utilization.") ? name.slice(12) : name;
}

/** Proto JSON may spell a field either way. */
function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** NaN, which the builder drops, for whatever is no number. */
function numberOf(value: unknown): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && /^[0-9.]/.test(value) ? Number(value) : Number.NaN;
}
