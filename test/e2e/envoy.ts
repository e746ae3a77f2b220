/**
 * A real Envoy from examples/picker/envoy.yaml, on ports of its own, changed only where a test says so.
 *
 * Each process is started here and ended by its id. Without the program (scripts/install-envoy.sh) tests are skipped, and say so.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { quietPort } from "../gateway/life/process.ts";
import { waitUntil } from "../kit/wait.ts";
import { endProgram, findProgram } from "./programs.ts";

const ROOT = join(import.meta.dirname, "../..");
const INSTALLED = join(ROOT, "node_modules/.cache/envoy/envoy/_bin/envoy");
export const ENVOY = existsSync(INSTALLED) ? INSTALLED : findProgram("envoy");
export const NO_ENVOY: string | false =
  ENVOY === undefined ? "Envoy is not installed; scripts/install-envoy.sh installs it" : false;

/** As much of a bootstrap as is changed here. */
interface Bootstrap {
  admin: { address: Address };
  static_resources: {
    listeners: {
      address: Address;
      per_connection_buffer_limit_bytes: number;
      filter_chains: { filters: { typed_config: { http_filters: { typed_config: ExtProc }[] } }[] }[];
    }[];
    clusters: Cluster[];
  };
}
interface Address {
  socket_address: { address: string; port_value: number };
}
export interface ExtProc {
  processing_mode: Record<string, string>;
  [field: string]: unknown;
}
export interface Cluster {
  name: string;
  load_assignment?: { endpoints: { lb_endpoints: { endpoint: { address: Address } }[] }[] };
  [field: string]: unknown;
}

export interface EnvoyOptions {
  readonly pickerPort: number;
  readonly port?: number;
  readonly extProc?: (filter: ExtProc) => void;
  /** What Envoy may hold of one body; default as in the example. */
  readonly bufferBytes?: number;
  /** The cluster of the model servers, changed or another. */
  readonly modelServers?: (cluster: Cluster) => Cluster;
}

/** A line of the example's access log. */
export interface EnvoyRecord {
  readonly id: string;
  readonly status: number;
  readonly details: string;
  readonly flags: string;
  readonly header: string | null;
  readonly metadata: string | null;
  readonly upstream: string | null;
}

export interface Envoy {
  readonly pid: number;
  readonly port: number;
  readonly adminPort: number;
  /** The record of that request, once it is written. */
  record(id: string): Promise<EnvoyRecord>;
  /** By name, from /stats. */
  stat(name: string): Promise<number>;
  rssBytes(): number;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startEnvoy(options: EnvoyOptions): Promise<Envoy> {
  const port = options.port ?? (await quietPort());
  const adminPort = await quietPort();
  const folder = mkdtempSync(join(tmpdir(), "plimsoll-envoy-"));
  const file = join(folder, "envoy.json");
  writeFileSync(file, JSON.stringify(bootstrap(options, port, adminPort)));
  const words = ["-c", file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"];
  // The access log is looked at; ten seconds of it at a time are too many.
  words.push("--file-flush-interval-msec", "50");
  const child: ChildProcess = spawn(ENVOY!, words, { stdio: ["ignore", "pipe", "pipe"] });
  let lines = "";
  let said = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (lines += text));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
  const stop = async (): Promise<void> => {
    await endProgram(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await waitUntil(
      async () => child.exitCode !== null || (await body(adminPort, "/ready")) === "LIVE\n",
      () => `Envoy to be ready: ${said}`,
      30_000,
    );
    if (child.exitCode !== null) throw new Error(`Envoy ended at once: ${said}`);
    // Ready says nothing of the picker's health, which decides whether requests are refused.
    await waitUntil(
      async () => (await stat(adminPort, "cluster.picker.membership_healthy")) === 1,
      "the picker to be healthy in Envoy's eyes",
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    pid: child.pid!,
    port,
    adminPort,
    record: async (id) => {
      let found: EnvoyRecord | undefined;
      await waitUntil(
        () => {
          const line = lines.split("\n").find((text) => text.includes(`"${id}"`));
          found = line === undefined ? undefined : (JSON.parse(line) as EnvoyRecord);
          return found !== undefined;
        },
        () => `the record of ${id} in ${lines.slice(-2000)}`,
      );
      return found!;
    },
    stat: (name) => stat(adminPort, name),
    rssBytes: () => Number(readFileSync(`/proc/${child.pid}/statm`, "utf8").split(" ")[1]) * 4096,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function bootstrap(options: EnvoyOptions, port: number, adminPort: number): Bootstrap {
  const config = parse(readFileSync(join(ROOT, "examples/picker/envoy.yaml"), "utf8")) as Bootstrap;
  config.admin.address.socket_address.port_value = adminPort;
  const [listener] = config.static_resources.listeners;
  listener!.address.socket_address.port_value = port;
  if (options.bufferBytes !== undefined) listener!.per_connection_buffer_limit_bytes = options.bufferBytes;
  options.extProc?.(listener!.filter_chains[0]!.filters[0]!.typed_config.http_filters[0]!.typed_config);
  config.static_resources.clusters = config.static_resources.clusters.map((cluster) => {
    if (cluster.name === "model-servers") return options.modelServers?.(cluster) ?? cluster;
    const address = cluster.load_assignment!.endpoints[0]!.lb_endpoints[0]!.endpoint.address;
    address.socket_address.port_value = options.pickerPort;
    return cluster;
  });
  return config;
}

/** The other way in which Envoy follows a picker: a cluster that knows its endpoints and is told which to take, by metadata alone. */
export function overrideHost(endpoints: readonly string[]): (cluster: Cluster) => Cluster {
  return ({ name, connect_timeout, circuit_breakers }) => ({
    name,
    connect_timeout,
    circuit_breakers,
    type: "STATIC",
    load_balancing_policy: {
      policies: [
        {
          typed_extension_config: {
            name: "envoy.load_balancing_policies.override_host",
            typed_config: {
              "@type":
                "type.googleapis.com/envoy.extensions.load_balancing_policies.override_host.v3.OverrideHost",
              override_host_sources: [
                { metadata: { key: "envoy.lb", path: [{ key: "x-gateway-destination-endpoint" }] } },
              ],
              fallback_policy: {
                policies: [
                  {
                    typed_extension_config: {
                      name: "envoy.load_balancing_policies.round_robin",
                      typed_config: {
                        "@type":
                          "type.googleapis.com/envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin",
                      },
                    },
                  },
                ],
              },
            },
          },
        },
      ],
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: endpoints.map((endpoint) => {
            const [address = "", port] = endpoint.split(":");
            return { endpoint: { address: { socket_address: { address, port_value: Number(port) } } } };
          }),
        },
      ],
    },
  });
}

async function stat(adminPort: number, name: string): Promise<number> {
  const text = (await body(adminPort, `/stats?filter=^${name}$`)) ?? "";
  return Number(/: (\d+)/.exec(text)?.[1] ?? Number.NaN);
}

function body(port: number, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, path, agent: false, timeout: 2000 }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.once("end", () => resolve(text));
    });
    request.once("error", () => resolve(undefined));
    request.once("timeout", () => request.destroy());
  });
}
