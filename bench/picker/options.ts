/**
 * The command line of `npm run bench:picker`. Every bound of the run is here: loads, rounds, seconds.
 */
import { parseArgs } from "node:util";
import { chosen, whole } from "../lib/options.ts";

export interface Load {
  readonly name: string;
  readonly tokens: number;
  /** Of the answer; 0: JSON. */
  readonly events: number;
  readonly ratePerSec: number;
}

/** Rates at which two cores carry Envoy, the picker, the model servers and the client and are not near their limit. */
export const LOADS: readonly Load[] = [
  { name: "1k", tokens: 1000, events: 0, ratePerSec: 200 },
  { name: "1k-streamed", tokens: 1000, events: 100, ratePerSec: 20 },
  { name: "10k", tokens: 10_000, events: 0, ratePerSec: 60 },
  { name: "100k", tokens: 100_000, events: 0, ratePerSec: 8 },
];

export interface BenchOptions {
  readonly loads: readonly Load[];
  readonly rounds: number;
  /** Of one measurement. */
  readonly seconds: number;
  readonly idleSeconds: number;
  readonly markdown: boolean;
  readonly json: boolean;
  readonly out: string;
}

export const HELP = `Usage: npm run bench:picker -- [options]

Measures what the endpoint picker costs behind a real Envoy: the same Envoy with and without it, before the same model servers.

  --load LIST   ${LOADS.map(({ name }) => name).join(",")}
  --rounds N    rounds over all loads (default 5), with and without the picker in turn; medians are reported
  --seconds N   length of one measurement (default 8)
  --idle N      seconds of the idle measurements (default 20)
  --quick       one round of 4 s, idle 8 s: about two minutes
  --markdown    print a Markdown table as well, ready for docs/performance.md
  --json        print the record instead of the report
  --out FILE    where the record goes (default bench/results/picker.json)
  --help        this text
`;

/** Returns the options, or the sentence that says what is wrong with them. */
export function parseOptions(args: readonly string[], defaultOut: string): BenchOptions | "help" | Error {
  let values;
  try {
    const flag = { type: "boolean", default: false } as const;
    ({ values } = parseArgs({
      args: [...args],
      options: {
        load: { type: "string", default: LOADS.map(({ name }) => name).join(",") },
        rounds: { type: "string" },
        seconds: { type: "string" },
        idle: { type: "string" },
        out: { type: "string", default: defaultOut },
        quick: flag,
        markdown: flag,
        json: flag,
        help: flag,
      },
    }));
  } catch (error) {
    return error as Error;
  }
  const { quick, markdown, json, out } = values;
  if (values.help) return "help";
  const names = chosen(
    "--load",
    values.load,
    LOADS.map(({ name }) => name),
  );
  const rounds = whole("--rounds", values.rounds ?? (quick ? "1" : "5"), 1, 100);
  const seconds = whole("--seconds", values.seconds ?? (quick ? "4" : "8"), 1, 600);
  const idleSeconds = whole("--idle", values.idle ?? (quick ? "8" : "20"), 1, 600);
  for (const part of [names, rounds, seconds, idleSeconds]) if (part instanceof Error) return part;
  const loads = LOADS.filter(({ name }) => (names as readonly string[]).includes(name));
  return {
    loads,
    rounds: rounds as number,
    seconds: seconds as number,
    idleSeconds: idleSeconds as number,
    markdown,
    json,
    out,
  };
}
