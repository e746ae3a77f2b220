/**
 * The command line of `npm run bench:balance`. Every bound of the run is here: scenarios, proxies, rounds, seconds.
 */
import { parseArgs } from "node:util";
import { chosen, whole } from "../lib/options.ts";
import { SCENARIO_NAMES, type ScenarioName } from "./scenarios.ts";

export const PROXY_NAMES = [
  "plimsoll Auto",
  "nginx least_conn",
  "nginx random2",
  "haproxy leastconn",
  "haproxy random2",
  "envoy LEAST_REQUEST",
  "plimsoll PeakEwma",
  "plimsoll LeastRequest",
  "plimsoll LocalityAware",
  "plimsoll Prequal",
  "plimsoll RoundRobin",
  "envoy RANDOM",
  "envoy ROUND_ROBIN",
] as const;

export interface BenchOptions {
  readonly scenarios: readonly ScenarioName[];
  readonly proxies: readonly string[];
  readonly rounds: number;
  /** Of what is measured, per proxy and round. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Proxies measured at the same time, each with endpoints and clients of its own. */
  readonly atOnce: number;
  readonly seed: number;
  readonly markdown: boolean;
  readonly json: boolean;
  readonly out: string;
}

export const HELP = `Usage: npm run bench:balance -- [options]

Measures where proxies send requests: the same endpoints, the same requests, at moderate load, on loopback.

  --scenario LIST  ${SCENARIO_NAMES.join(",")}
  --proxy LIST     programs or programs with a policy, as in nginx,"plimsoll Auto" (default: the first ten):
                   ${PROXY_NAMES.join(", ")}
  --rounds N       rounds over all scenarios and proxies (default 3); medians are reported
  --seconds N      length of one measurement (default 10), after --warm-up N seconds (default 4)
  --at-once N      proxies measured at the same time (default 5)
  --seed N         of arrivals and work (default 1)
  --quick          one round of 8 s, Auto and the peers' best policies only: about two minutes
  --markdown       print Markdown tables as well, ready for docs/performance.md
  --json           print the record instead of the report
  --out FILE       where the record goes (default bench/results/balance.json)
  --help           this text
`;

/** What --quick leaves out may still be asked for by name. */
const QUICK = PROXY_NAMES.slice(0, 6);
/** And so is what looks at nothing at all, in a full run. */
const FULL = PROXY_NAMES.slice(0, 10);

/** Returns the options, or the sentence that says what is wrong with them. */
export function parseOptions(args: readonly string[], defaultOut: string): BenchOptions | "help" | Error {
  let values;
  try {
    const text = <Default extends string>(value: Default) => ({ type: "string", default: value }) as const;
    const flag = { type: "boolean", default: false } as const;
    ({ values } = parseArgs({
      args: [...args],
      options: {
        scenario: text(SCENARIO_NAMES.join(",")),
        proxy: { type: "string" },
        rounds: { type: "string" },
        seconds: { type: "string" },
        "warm-up": text("4"),
        "at-once": text("5"),
        seed: text("1"),
        out: text(defaultOut),
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
  const scenarios = chosen("--scenario", values.scenario, SCENARIO_NAMES);
  const proxies = proxiesOf(values.proxy, quick ? QUICK : FULL);
  const rounds = whole("--rounds", values.rounds ?? (quick ? "1" : "3"), 1, 100);
  const seconds = whole("--seconds", values.seconds ?? (quick ? "8" : "10"), 1, 600);
  const warmUpSeconds = whole("--warm-up", values["warm-up"], 1, 600);
  const atOnce = whole("--at-once", values["at-once"], 1, PROXY_NAMES.length);
  const seed = whole("--seed", values.seed, 0, 2 ** 31);
  const parts = { scenarios, proxies, rounds, seconds, warmUpSeconds, atOnce, seed };
  const wrong = Object.values(parts).find((part) => part instanceof Error);
  if (wrong !== undefined) return wrong;
  return { ...(parts as Wholesome<typeof parts>), markdown, json, out };
}

type Wholesome<Parts> = { readonly [Name in keyof Parts]: Exclude<Parts[Name], Error> };

/** "nginx" stands for all of nginx's policies. */
function proxiesOf(list: string | undefined, byDefault: readonly string[]): readonly string[] | Error {
  if (list === undefined) return byDefault;
  const words = list.split(",").map((word) => word.trim());
  const programs = new Set(PROXY_NAMES.map((name) => name.split(" ")[0] ?? ""));
  const names = words.flatMap((word) =>
    programs.has(word) ? PROXY_NAMES.filter((name) => name.startsWith(`${word} `)) : [word],
  );
  return chosen("--proxy", names.join(","), PROXY_NAMES);
}
