/**
 * What following engines costs the whole gateway while nothing happens: `bin/plimsoll serve` with one pool of N engines that rest,
 * their metrics pages, lists of models and cache events followed, the engines in a process of their own.
 *
 * `node bench/idle-engines.ts [engines=100] [lines=2000] [seconds=20] [narrow|whole]`
 *
 * Every engine has an address of its own in 127.0.0.0/8 (Linux). `narrow`: pages are answered as asked, `?name[]=`. Prints the
 * gateway's processor time as a share of one core, by /proc, and that of the same gateway with a pool of none.
 */
import { execFileSync, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { EventPublisher } from "../test/kit/event-publisher.ts";
import { vllmPage } from "../test/kit/metrics-pages.ts";
import { poolRule } from "../test/kit/scripted-engine.ts";
import { metric } from "../test/gateway/life/admin-pages.ts";
import { startProcess } from "../test/gateway/life/process.ts";

const [engines = "100", lines = "2000", seconds = "20", pages = "whole"] = process.argv.slice(2);
/** Idle periods double from half a second to five. */
const SETTLE_MS = 15_000;
const GROUP = "inference.networking.k8s.io";

interface Ports {
  readonly http: number;
  readonly events: number;
  readonly replay: number;
}

if (process.send === undefined) await measure();
else await serve();

async function serve(): Promise<void> {
  const figures = { running: 0, waiting: 0, kvUsedRatio: 0.25 };
  const page = vllmPage({ ...figures, lines: Number(lines) });
  const small = vllmPage(figures);
  const models = JSON.stringify({ object: "list", data: [{ id: "m", object: "model" }] });
  const server = http.createServer((request, response) => {
    const narrow = pages === "narrow" && request.url!.includes("name%5B%5D");
    const body = request.url === "/v1/models" ? models : narrow ? small : page;
    response.writeHead(200, { "content-length": Buffer.byteLength(body) });
    response.end(body);
  });
  // Longer than the rest between two pages.
  server.keepAliveTimeout = 60_000;
  await once(server.listen(0, "0.0.0.0"), "listening");
  const publisher = await EventPublisher.start({ host: "0.0.0.0" });
  const ports: Ports = {
    http: (server.address() as AddressInfo).port,
    events: publisher.port,
    replay: publisher.replayPort!,
  };
  process.send!(ports);
  process.once("disconnect", () => process.exit(0));
}

async function measure(): Promise<void> {
  const child = fork(import.meta.filename, process.argv.slice(2));
  const [ports] = (await once(child, "message")) as [Ports];
  const nobody = await coresOf(ports, 0);
  const all = await coresOf(ports, Number(engines));
  child.disconnect();
  console.log(`${engines} idle engines, pages of ${lines} lines (${pages}), over ${seconds} s:`);
  console.log(`${all.cores.toFixed(4)} of a core, ${nobody.cores.toFixed(4)} with no engine; ${all.state}`);
}

async function coresOf(ports: Ports, count: number): Promise<{ cores: number; state: string }> {
  const setup = { pools: {}, rules: [poolRule("models")], more: manifests(ports, count) };
  await using gateway = await startProcess(setup);
  await sleep(SETTLE_MS);
  const ticksPerSec = Number(execFileSync("getconf", ["CLK_TCK"]));
  const before = ticks(gateway.pid);
  const startedMs = performance.now();
  await sleep(Number(seconds) * 1000);
  const cores = (ticks(gateway.pid) - before) / ticksPerSec / ((performance.now() - startedMs) / 1000);
  const failures =
    count === 0
      ? 0
      : await metric(gateway.adminPort, 'plimsoll_scrape_failures_total{pool="default/models"}');
  return { cores, state: `${failures} failed scrapes` };
}

/** User and system time, in clock ticks. */
function ticks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

function manifests(ports: Ports, count: number): object[] {
  return [
    {
      apiVersion: `${GROUP}/v1`,
      kind: "InferencePool",
      metadata: { name: "models" },
      spec: { selector: { matchLabels: { app: "models" } }, targetPorts: [{ number: ports.http }] },
    },
    ...Array.from({ length: count }, (_, index) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `models-${index}`, labels: { app: "models" } },
      status: {
        podIP: `127.0.${1 + Math.floor(index / 200)}.${1 + (index % 200)}`,
        conditions: [{ type: "Ready", status: "True" }],
      },
    })),
    {
      apiVersion: "plimsoll.dev/v1alpha1",
      kind: "BackendPolicy",
      metadata: { name: "models" },
      spec: {
        targetRefs: [{ group: GROUP, kind: "InferencePool", name: "models" }],
        balancing: { inference: { kvEvents: { port: ports.events, replayPort: ports.replay } } },
      },
    },
  ];
}
