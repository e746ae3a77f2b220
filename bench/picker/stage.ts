/**
 * The programs of the bench: model servers, the picker, and two Envoys that differ in the picker alone.
 *
 * Both Envoys are the bootstrap of examples/picker; the one without loses the filter, and its cluster knows the model servers and takes them
 * in turn. The picker is `plimsoll serve --ext-proc` as users start it, but for the access log, which is off.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { output, sleep, start, type Child } from "../lib/children.ts";
import { chatPool } from "../../test/kit/picker/chat-pool.ts";
import { freePorts, HOST, waitUntilReady } from "../lib/network.ts";

const ROOT = join(import.meta.dirname, "../..");
const INSTALLED = join(ROOT, "node_modules/.cache/envoy/envoy/_bin/envoy");
const ENVOY = existsSync(INSTALLED) ? INSTALLED : "envoy";

export async function envoyVersion(): Promise<string | undefined> {
  try {
    return /version: [0-9a-f]+\/([^/]+)\//.exec(await output(ENVOY, ["--version"]))?.[1] ?? "unknown";
  } catch {
    return undefined;
  }
}

/** Loopback addresses of `count` model servers, all on one port. */
export function hostsOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `127.0.1.${index + 1}`);
}

export interface Engines {
  readonly child: Child;
  readonly port: number;
  readonly hosts: readonly string[];
}

export async function startEngines(count: number, events: number): Promise<Engines> {
  const [port = 0] = await freePorts(1);
  const hosts = hostsOf(count);
  const ready = Promise.withResolvers<void>();
  const words = [
    join(import.meta.dirname, "engine-server.ts"),
    String(port),
    hosts.join(","),
    String(events),
  ];
  const child = start(process.execPath, words, { onStdout: () => ready.resolve() });
  void child.ended.then(() => ready.reject(new Error(`the model servers ended: ${child.output()}`)));
  await ready.promise;
  return { child, port, hosts };
}

export interface PickerProcess {
  readonly child: Child;
  readonly port: number;
}

/** With `profileFolder` the program leaves a processor profile there when it ends. */
export async function startPicker(
  folder: string,
  { port: enginePort, hosts }: Engines,
  profileFolder?: string,
): Promise<PickerProcess> {
  const [port = 0, adminPort = 0, listenerPort = 0] = await freePorts(3);
  const file = join(folder, `picker-${port}.yaml`);
  writeFileSync(file, chatPool({ ports: [enginePort], hosts, listenerPort }));
  const words = ["serve", "-f", file, "--ext-proc", `${HOST}:${port}`, "--ext-proc-health", "off"];
  words.push("--admin", `${HOST}:${adminPort}`, "--access-log", "off", "--drain-timeout", "1s");
  if (profileFolder !== undefined) {
    mkdirSync(profileFolder, { recursive: true });
    process.env["NODE_OPTIONS"] = `--cpu-prof --cpu-prof-dir=${profileFolder}`;
  }
  const child = start(join(ROOT, "bin/plimsoll"), words);
  delete process.env["NODE_OPTIONS"];
  await waitUntilReady("the picker", child, adminPort, "/metrics");
  // Until every page has been read once.
  await sleep(1000);
  return { child, port };
}

export interface EnvoyProcess {
  readonly child: Child;
  readonly port: number;
}

interface Address {
  socket_address: { address: string; port_value: number };
}
interface Cluster {
  readonly name: string;
  readonly load_assignment?: {
    cluster_name: string;
    endpoints: { lb_endpoints: { endpoint: { address: Address } }[] }[];
  };
}
interface Manager {
  access_log?: unknown;
  http_filters: { readonly name: string }[];
}
interface Bootstrap {
  admin: { address: Address };
  static_resources: {
    listeners: { address: Address; filter_chains: { filters: { typed_config: Manager }[] }[] }[];
    clusters: Cluster[];
  };
}

/** Without a port of a picker: the same Envoy without the picker. */
export async function startEnvoy(
  folder: string,
  engines: Engines,
  pickerPort: number | undefined,
): Promise<EnvoyProcess> {
  const [port = 0, adminPort = 0] = await freePorts(2);
  const config = parse(readFileSync(join(ROOT, "examples/picker/envoy.yaml"), "utf8")) as Bootstrap;
  config.admin.address.socket_address.port_value = adminPort;
  const [listener] = config.static_resources.listeners;
  listener!.address.socket_address.port_value = port;
  const manager = listener!.filter_chains[0]!.filters[0]!.typed_config;
  // Neither writes one: what it costs is no part of the picker.
  delete manager.access_log;
  if (pickerPort === undefined) {
    manager.http_filters = manager.http_filters.filter(({ name }) => name !== "envoy.filters.http.ext_proc");
    config.static_resources.clusters = [roundRobin(engines)];
  } else {
    const picker = config.static_resources.clusters.find(({ name }) => name === "picker");
    picker!.load_assignment!.endpoints[0]!.lb_endpoints[0]!.endpoint.address.socket_address.port_value =
      pickerPort;
  }
  const file = join(folder, `envoy-${port}.json`);
  writeFileSync(file, JSON.stringify(config));
  const words = ["-c", file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"];
  const child = start(ENVOY, words);
  await waitUntilReady("envoy", child, adminPort, "/ready");
  await waitUntilReady("envoy with a picker", child, port, "/v1/models");
  return { child, port };
}

function roundRobin({ port, hosts }: Engines): Cluster & Record<string, unknown> {
  return {
    name: "model-servers",
    type: "STATIC",
    connect_timeout: "5s",
    load_assignment: {
      cluster_name: "model-servers",
      endpoints: [
        {
          lb_endpoints: hosts.map((address) => ({
            endpoint: { address: { socket_address: { address, port_value: port } } },
          })),
        },
      ],
    },
  };
}
