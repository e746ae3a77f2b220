/**
 * The picker as a process that can be measured: runs until it is killed, and answers orders with its processor time and, by a
 * sampling profile, with where that went.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunningGateway } from "../../src/cli/serve/running-gateway.ts";
import { DEFAULT_CLIENT_LIMITS } from "../../src/edge/http/limits.ts";

export type PickerOrder = { readonly kind: "begin"; readonly profile: boolean } | { readonly kind: "end" };

export interface PickerAnswer {
  readonly port?: number;
  /** Since `begin`, of all threads. */
  readonly cpuMs?: number;
  /** Of the main thread's busy time, by part; they sum to 1. */
  readonly shares?: Readonly<Record<string, number>>;
}

/** The first that is found in a function's address says what it belongs to. */
const PARTS: readonly (readonly [name: string, place: string])[] = [
  ["gRPC", "/edge/extproc/rpc/"],
  ["messages", "/edge/extproc/wire/"],
  ["messages", "/edge/extproc/"],
  ["hash", "/read/prompt-hasher"],
  ["hash", "/read/block-hash"],
  ["hash", "/read/byte-digest"],
  ["scan", "/core/inference/read/"],
  ["decide", "/core/"],
  ["decide", "/std/"],
  ["join", "/src/"],
  ["node", "node:"],
];

export async function runPicker(endpoints: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "plimsoll-bench-"));
  writeFileSync(join(folder, "manifests.yaml"), manifests(endpoints));
  const running = new RunningGateway({
    paths: [folder],
    admin: "off",
    accessLog: "off",
    logLevel: "error",
    limits: DEFAULT_CLIENT_LIMITS,
    seed: 1,
    picker: {
      address: { host: "127.0.0.1", port: 0 },
      healthAddress: undefined,
      tls: undefined,
      fallbacksMax: 0,
    },
  });
  await running.start();
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  let before = process.cpuUsage();
  let isProfiling = false;
  process.on("message", (order: PickerOrder) => {
    void (async () => {
      if (order.kind === "begin") {
        isProfiling = order.profile;
        if (isProfiling) await session.post("Profiler.start");
        before = process.cpuUsage();
        process.send!({});
        return;
      }
      const { user, system } = process.cpuUsage(before);
      const shares = isProfiling ? sharesOf((await session.post("Profiler.stop")).profile) : {};
      process.send!({ cpuMs: (user + system) / 1_000, shares } satisfies PickerAnswer);
    })();
  });
  process.send!({ port: running.picker!.port } satisfies PickerAnswer);
}

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples?: readonly number[] | undefined;
  readonly timeDeltas?: readonly number[] | undefined;
}

function sharesOf(profile: Profile): Record<string, number> {
  const partOf = new Map<number, string>();
  for (const { id, callFrame } of profile.nodes) partOf.set(id, partNamed(callFrame));
  const spent = new Map<string, number>();
  let all = 0;
  profile.samples?.forEach((id, index) => {
    const part = partOf.get(id)!;
    if (part === "idle") return;
    const delta = profile.timeDeltas?.[index] ?? 0;
    all += delta;
    spent.set(part, (spent.get(part) ?? 0) + delta);
  });
  return Object.fromEntries([...spent].map(([part, us]) => [part, us / all]));
}

function partNamed({ functionName, url }: { readonly functionName: string; readonly url: string }): string {
  // Taking the profile is no work of the picker.
  if (functionName === "(idle)" || url === "node:inspector") return "idle";
  if (functionName === "(garbage collector)") return "collect";
  // Of native code, sockets and HTTP/2 framing are nearly all.
  if (functionName === "(program)" || url === "") return "native";
  return PARTS.find(([, place]) => url.includes(place))?.[0] ?? "other";
}

function manifests(endpoints: number): string {
  const pods = Array.from({ length: endpoints }, (_, index) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `model-${index}`, namespace: "default", labels: { app: "model" } },
    status: {
      podIP: `127.0.${1 + Math.floor(index / 200)}.${1 + (index % 200)}`,
      conditions: [{ type: "Ready", status: "True" }],
    },
  }));
  const pool = {
    apiVersion: "inference.networking.k8s.io/v1",
    kind: "InferencePool",
    metadata: { name: "model", namespace: "default" },
    spec: { selector: { matchLabels: { app: "model" } }, targetPorts: [{ number: 8000 }] },
  };
  return [pool, ...pods].map((document) => JSON.stringify(document)).join("\n---\n");
}
