/**
 * A gateway for tests: the real one, in this process, from real manifests in a folder of its own.
 *
 * One listener on a free port, one rule that takes everything (unless told otherwise), one Service per pool given.
 * `rewrite` changes the manifests on disk and waits until the gateway has judged them, as its users would see it.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunningGateway } from "../../src/cli/serve/running-gateway.ts";
import { DEFAULT_CLIENT_LIMITS, type ClientLimits } from "../../src/edge/http/limits.ts";
import { waitUntil } from "./wait.ts";

export interface GatewaySetup {
  /** Service name to where its endpoints listen. The first is what the default rule leads to. */
  readonly pools: Readonly<Record<string, readonly { readonly host: string; readonly port: number }[]>>;
  /** `spec.rules` of the one HTTPRoute; by default everything goes to the first pool. */
  readonly rules?: readonly object[];
  /** `spec` of a BackendPolicy for every pool, without targetRefs. */
  readonly policy?: object;
  /** More documents to serve beside these. */
  readonly more?: readonly object[];
}

export interface TestGateway {
  readonly port: number;
  readonly adminPort: number;
  readonly folder: string;
  readonly running: RunningGateway;
  /** Access log lines so far, once there are at least `count`. */
  records(count: number): Promise<readonly AccessRecord[]>;
  /** Replaces the manifests; resolves when they are in force, or rejected (then false). */
  rewrite(setup: GatewaySetup): Promise<boolean>;
  /** The same for text that may not even be YAML. */
  rewriteText(text: string): Promise<boolean>;
  /** Drains and stops, as SIGTERM does; the first call counts. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The fields of an access line that tests look at; see docs/observability.md for all. */
export interface AccessRecord {
  readonly method: string;
  readonly path: string;
  readonly route: string | null;
  readonly class: string | null;
  readonly status: number;
  readonly refusal: string | null;
  readonly endedBy: string;
  readonly why: string;
  readonly retryStop?: string;
  readonly attempts: readonly {
    readonly endpoint: string;
    readonly outcome: string;
    readonly reused: boolean;
  }[];
  readonly waitedMs: number;
  readonly totalMs: number;
  readonly api?: string;
  readonly firstTokenMs?: number | null;
  readonly promptTokens?: number | null;
  readonly outputTokens?: number | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export async function startGateway(
  setup: GatewaySetup,
  options: { readonly limits?: Partial<ClientLimits> } = {},
): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), "plimsoll-test-"));
  const port = await freePort();
  const manifests = join(folder, "manifests.yaml");
  const log = join(folder, "access.log");
  await writeFile(manifests, manifestText(setup, port));
  const running = new RunningGateway({
    paths: [manifests],
    admin: { host: "127.0.0.1", port: 0 },
    accessLog: { path: log },
    logLevel: "silent",
    limits: { ...DEFAULT_CLIENT_LIMITS, drainMs: 2_000, ...options.limits },
    seed: 1,
  });
  await running.start();

  const lines = async (): Promise<AccessRecord[]> => {
    const text = await readFile(log, "utf8");
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as AccessRecord);
  };
  const rewriteText = async (text: string): Promise<boolean> => {
    await writeFile(manifests, text);
    return running.reload();
  };
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= running.stop());
  return {
    port,
    adminPort: Number(running.adminAddress?.split(":").at(-1)),
    folder,
    running,
    records: async (count) => {
      let found: AccessRecord[] = [];
      await waitUntil(async () => (found = await lines()).length >= count, `${count} access log lines`);
      return found;
    },
    rewrite: (next) => rewriteText(manifestText(next, port)),
    rewriteText,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Manifests as JSON documents, which are YAML too. */
export function manifestText(setup: GatewaySetup, port: number): string {
  const names = Object.keys(setup.pools);
  const rules = setup.rules ?? [{ backendRefs: [{ name: names[0], port: 80 }] }];
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
      metadata: { name: "test" },
      spec: { gatewayClassName: "plimsoll", listeners: [{ name: "http", port, protocol: "HTTP" }] },
    },
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: "test" },
      spec: { parentRefs: [{ name: "test" }], rules },
    },
    ...names.flatMap((name) => poolDocuments(name, setup)),
    ...(setup.more ?? []),
  ];
  return documents.map((document) => JSON.stringify(document)).join("\n---\n");
}

function poolDocuments(name: string, setup: GatewaySetup): object[] {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { ports: [{ name: "http", port: 80 }] },
  };
  // One slice per endpoint: each may have a port of its own.
  const slices = (setup.pools[name] ?? []).map(({ host, port }, index) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-${index}`, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "http", port }],
    endpoints: [{ addresses: [host] }],
  }));
  const policy = {
    apiVersion: "plimsoll.dev/v1alpha1",
    kind: "BackendPolicy",
    metadata: { name },
    spec: { targetRefs: [{ group: "", kind: "Service", name }], ...setup.policy },
  };
  return setup.policy === undefined ? [service, ...slices] : [service, ...slices, policy];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
