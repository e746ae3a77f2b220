/**
 * `npm run bench:gateway`: our gateway, nginx, HAProxy and http-proxy-3 side by side, in one run.
 *
 * Each round visits every row, and within a row every proxy, beginning with another one each round; so a change in
 * the machine's other work falls on all alike. All proxies run for the whole bench and are idle but one.
 */
import { join } from "node:path";
import { findGenerator } from "./load.ts";
import { machineFacts, machineLine } from "../lib/machine.ts";
import { commandOf, progress, runBench, say, writeRecord } from "../lib/run-bench.ts";
import { type Bench, type Cell, freshFolder, measure, warmUp } from "./measure.ts";
import { type BenchOptions, HELP, parseOptions, type PeerName } from "./options.ts";
import { startOrigin } from "./origin.ts";
import { findHaproxy } from "./peers/haproxy.ts";
import { findHttpProxy3 } from "./peers/http-proxy-3.ts";
import { findNginx } from "./peers/nginx.ts";
import type { Missing, Peer, RunningPeer } from "./peers/peer.ts";
import { findPlimsoll } from "./peers/plimsoll.ts";
import { markdownReport, textReport } from "./report.ts";
import { ROWS } from "./rows.ts";
import { BASE_PEER, summarise } from "./summary.ts";
import { verdictLine, verdicts } from "./verdicts.ts";

const ROOT = join(import.meta.dirname, "../..");

function find(name: PeerName): Peer | Missing | Promise<Peer | Missing> {
  switch (name) {
    case "plimsoll":
      return findPlimsoll();
    case "nginx":
      return findNginx();
    case "haproxy":
      return findHaproxy();
    case "http-proxy-3":
      return findHttpProxy3(progress);
  }
}

interface Entry {
  readonly peer: Peer;
  readonly running: RunningPeer;
}

async function startPeers(options: BenchOptions, bench: Bench): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (const name of options.peers) {
    const peer = await find(name);
    if ("missing" in peer) {
      say(`Left out: ${peer.missing}.`);
      continue;
    }
    try {
      entries.push({ peer, running: await peer.start(bench.origin, freshFolder(bench, name)) });
    } catch (error) {
      say(`Left out: ${(error as Error).message}`);
    }
  }
  return entries;
}

async function run(options: BenchOptions, folder: string): Promise<void> {
  const facts = machineFacts();
  const origin = await startOrigin(folder);
  const { generator, version } = await findGenerator();
  if (generator === "built-in") say("wrk is not on PATH: using the built-in load generator.");
  const bench: Bench = { origin, generator, folder, seconds: options.seconds };
  const entries = await startPeers(options, bench);
  if (!entries.some(({ peer }) => peer.name === BASE_PEER))
    say("Without nginx there are no ratios against it.");

  for (const { peer, running } of entries) {
    progress(`warming up ${peer.name}`);
    await warmUp(bench, running, options.rows);
  }
  const rows = ROWS.filter((row) => options.rows.includes(row.name));
  const cells: Cell[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    for (const row of rows) {
      progress(`round ${round + 1} of ${options.rounds}: ${row.title}`);
      for (let turn = 0; turn < entries.length; turn += 1) {
        const entry = entries[(round + turn) % entries.length];
        if (entry === undefined) continue;
        const figures = await measure(bench, entry.peer, entry.running, row);
        cells.push({ round, row: row.name, peer: entry.peer.name, figures });
        if (figures.kind === "load" && figures.units === 0) {
          say(`WARNING: ${entry.peer.name} answered nothing at all in round ${round + 1} of "${row.title}".`);
        }
      }
    }
  }

  const names = entries.map(({ peer }) => peer.name);
  const summaries = rows.map((row) => summarise(cells, row, names));
  const versions = Object.fromEntries(entries.map(({ peer }) => [peer.name, peer.version]));
  const command = commandOf("bench:gateway");
  const judged = verdicts(cells);
  const context = [
    machineLine(facts),
    `${Object.entries(versions)
      .map((pair) => pair.join(" "))
      .join(", ")}; origin ${origin.kind}; load by ${generator} ${version}`,
    `${options.rounds} rounds of ${options.seconds} s; medians; ratios are taken round by round against nginx (least-greatest)`,
  ];
  say(`\n${context.join("\n")}\n\n${textReport(summaries)}\n\n${judged.map(verdictLine).join("\n")}`);
  if (options.markdown) say(`\n${markdownReport(summaries, [`\`${command}\`: ${context.join("; ")}.`])}`);

  const record = {
    command,
    machine: facts,
    versions,
    origin: origin.kind,
    generator,
    generatorVersion: version,
  };
  const settings = { rounds: options.rounds, seconds: options.seconds };
  writeRecord(options.out, { ...record, ...settings, verdicts: judged, cells });
}

await runBench(parseOptions(process.argv.slice(2), join(ROOT, "bench/results/gateway.json")), HELP, run);
