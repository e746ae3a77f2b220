/**
 * `npm run bench:picker`: what the endpoint picker costs behind a real Envoy.
 *
 * The same Envoy twice, with the picker and without it, before the same model servers, which answer at once: the difference is the
 * picker. Processor time is that of all the picker's threads, from the scheduler's own count, less what it takes when nobody asks.
 */
import { join } from "node:path";
import { machineFacts, machineLine } from "../lib/machine.ts";
import { commandOf, progress, runBench, say, writeRecord } from "../lib/run-bench.ts";
import {
  IDLE_ENGINES,
  ENGINES,
  measureIdle,
  measureRound,
  measureShares,
  setUp,
  tearDown,
  type Round,
} from "./measure.ts";
import { HELP, parseOptions, type BenchOptions } from "./options.ts";
import { lineOf, markdownReport, textReport, verdicts, type Line } from "./report.ts";
import { envoyVersion } from "./stage.ts";

const ROOT = join(import.meta.dirname, "../..");

async function run(options: BenchOptions, folder: string): Promise<void> {
  const machine = machineFacts();
  const version = await envoyVersion();
  if (version === undefined)
    throw new Error("Envoy is neither installed nor on PATH: see scripts/install-envoy.sh");
  const lines: Line[] = [];
  const all: Round[] = [];
  for (const load of options.loads) {
    const stage = await setUp(folder, load, options);
    const rounds: Round[] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      progress(`${load.name}, round ${round + 1} of ${options.rounds}`);
      rounds.push(await measureRound(stage, load, options.seconds, round));
    }
    await tearDown(stage);
    progress(`${load.name}, where the time goes`);
    lines.push(lineOf(load, rounds, await measureShares(folder, load, options.seconds)));
    all.push(...rounds);
  }
  const idle = [];
  for (const endpoints of [ENGINES, IDLE_ENGINES]) {
    progress(`idle with ${endpoints} endpoints`);
    idle.push(await measureIdle(folder, options.idleSeconds, endpoints));
  }
  const late = Math.max(...all.flatMap(({ bare, picked }) => [bare.lateP99Ms, picked.lateP99Ms]));
  const context =
    `${machineLine(machine)}; Envoy ${version}, one thread; ${ENGINES} model servers that answer at once; ` +
    `${options.rounds} rounds of ${options.seconds} s; one request in a hundred was sent ${late.toFixed(1)} ms late or more in the worst of them`;
  const command = commandOf("bench:picker");
  const record = {
    command,
    machine,
    envoy: version,
    options,
    lines: lines.map((line) => ({ ...line, shares: Object.fromEntries(line.shares) })),
    idle,
    verdicts: verdicts(lines, idle),
    rounds: all,
  };
  if (options.json) say(JSON.stringify(record));
  else say(`\n${context}\n\n${textReport(lines, idle)}`);
  if (options.markdown) say(`\n${markdownReport(lines, idle)}\n\n\`${command}\`: ${context}.`);
  writeRecord(options.out, record);
}

await runBench(parseOptions(process.argv.slice(2), join(ROOT, "bench/results/picker.json")), HELP, run);
