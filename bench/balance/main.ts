/**
 * `npm run bench:balance`: Plimsoll's policies, nginx, HAProxy and Envoy before the same endpoints and under the same load.
 *
 * What is compared is where requests are sent. Rates are moderate and service is a timer, so no processor is near its
 * limit, and `--at-once` proxies are measured at the same time, each with endpoints and clients of its own: the
 * machine's other work then falls on them alike, in the same moment. Who is measured with whom changes by round.
 */
import { join } from "node:path";
import type { Missing } from "../gateway/peers/peer.ts";
import { machineFacts, machineLine } from "../lib/machine.ts";
import { commandOf, progress, runBench, say, writeRecord } from "../lib/run-bench.ts";
import { median } from "../lib/stats.ts";
import { type Cell, measure } from "./measure.ts";
import { type BenchOptions, HELP, parseOptions } from "./options.ts";
import { findEnvoy } from "./proxies/envoy.ts";
import { findHaproxy } from "./proxies/haproxy.ts";
import { findNginx } from "./proxies/nginx.ts";
import { findPlimsoll } from "./proxies/plimsoll.ts";
import type { Proxy } from "./proxies/proxy.ts";
import { markdownReport, textReport } from "./report.ts";
import { SCENARIOS } from "./scenarios.ts";
import { floorMs, linesOf, quantile } from "./summary.ts";
import { verdictOf } from "./verdicts.ts";

/**
 * A cell whose own clients sent one request in a hundred later than this is left out of the report: its latencies are the
 * machine's. Whether that is so does not depend on what the proxy did.
 */
const LATE_MAX_MS = 15;
const TRIES_MAX = 3;

const ROOT = join(import.meta.dirname, "../..");

async function findProxies({ proxies }: BenchOptions): Promise<readonly Proxy[]> {
  const found: Proxy[] = [];
  const finders: Record<
    Proxy["program"],
    () => Promise<readonly Proxy[] | Missing> | readonly Proxy[] | Missing
  > = {
    plimsoll: findPlimsoll,
    nginx: findNginx,
    haproxy: findHaproxy,
    envoy: findEnvoy,
  };
  for (const [program, find] of Object.entries(finders)) {
    if (!proxies.some((name) => name.startsWith(`${program} `))) continue;
    const result = await find();
    if ("missing" in result) progress(`Left out: ${result.missing}.`);
    else found.push(...result);
  }
  return proxies.flatMap((name) => found.find((proxy) => proxy.name === name) ?? []);
}

/** All cells of a scenario in a round, `atOnce` at a time; the list is turned by round. */
async function* measureAll(
  options: BenchOptions,
  folder: string,
  proxies: readonly Proxy[],
): AsyncGenerator<readonly Cell[]> {
  const scenarios = SCENARIOS.filter(({ name }) => options.scenarios.includes(name));
  for (let round = 0; round < options.rounds; round += 1) {
    const shift = (round * 3) % Math.max(1, proxies.length);
    const turned = [...proxies.slice(shift), ...proxies.slice(0, shift)];
    for (const scenario of scenarios) {
      for (let at = 0; at < turned.length; at += options.atOnce) {
        const group = turned.slice(at, at + options.atOnce);
        const names = group.map(({ name }) => name).join(", ");
        progress(`round ${round + 1} of ${options.rounds}, ${scenario.name}: ${names}`);
        yield await undisturbed(() => measure(options, folder, scenario, group, round));
      }
    }
  }
}

/** The first of some tries in which the clients were on time, else the one in which they were least late. */
async function undisturbed(attempt: () => Promise<readonly Cell[]>): Promise<readonly Cell[]> {
  const lateness = (cells: readonly Cell[]): number => Math.max(...cells.map(({ lateP99Ms }) => lateP99Ms));
  let best = await attempt();
  for (let tries = 1; tries < TRIES_MAX && lateness(best) > LATE_MAX_MS; tries += 1) {
    progress(`again: requests were sent ${lateness(best).toFixed(0)} ms late, the machine is busy`);
    const next = await attempt();
    if (lateness(next) < lateness(best)) best = next;
  }
  return best;
}

async function run(options: BenchOptions, folder: string): Promise<void> {
  const machine = machineFacts();
  const proxies = await findProxies(options);
  const all: Cell[] = [];
  for await (const some of measureAll(options, folder, proxies)) all.push(...some);
  const cells = all.filter(({ lateP99Ms }) => lateP99Ms <= LATE_MAX_MS);

  const names = proxies.map(({ name }) => name);
  const reports = SCENARIOS.filter(({ name }) => options.scenarios.includes(name)).map((scenario) => {
    const lines = linesOf(scenario, names, cells);
    return {
      scenario,
      lines,
      verdict: verdictOf(scenario, lines, floorMs(cells.filter((cell) => cell.scenario === scenario.name))),
    };
  });
  const versions = Object.fromEntries(proxies.map(({ program, version }) => [program, version]));
  const late = all.map(({ lateP99Ms }) => lateP99Ms);
  const context = [
    machineLine(machine),
    Object.entries(versions)
      .map((pair) => pair.join(" "))
      .join(", "),
    `${options.rounds} rounds of ${options.seconds} s, ${options.atOnce} proxies at once, seed ${options.seed}; ` +
      `one request in a hundred was sent ${median(late).toFixed(1)} ms late or more, ${Math.max(...late).toFixed(1)} ms in the worst cell: the machine's own part; ` +
      `${all.length - cells.length} of ${all.length} cells are left out, in which it was more than ${LATE_MAX_MS} ms`,
  ];
  const command = commandOf("bench:balance");
  const record = {
    command,
    machine,
    versions,
    options,
    reports: reports.map(({ scenario, lines, verdict }) => ({ scenario: scenario.name, verdict, lines })),
    cells: all.map(({ latenciesMs, ...cell }) => ({ ...cell, quantilesMs: quantiles(latenciesMs) })),
  };
  if (options.json) say(JSON.stringify(record));
  else say(`\n${context.join("\n")}\n\n${textReport(reports)}`);
  if (options.markdown) say(`\n${markdownReport(reports)}\n\n\`${command}\`: ${context.join("; ")}.`);
  writeRecord(options.out, record);
}

function quantiles(latenciesMs: readonly number[]): Record<string, number> {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  return Object.fromEntries([0.5, 0.9, 0.99, 0.999, 1].map((q) => [q, quantile(sorted, q)]));
}

await runBench(parseOptions(process.argv.slice(2), join(ROOT, "bench/results/balance.json")), HELP, run);
