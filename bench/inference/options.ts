/**
 * The command line of `npm run bench:inference`. Unknown words are refused with the list of those that exist.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { CONTENDERS } from "../../src/sim/inference/contenders.ts";
import { WORKLOADS } from "../../src/sim/inference/workload/workloads.ts";

export interface BenchOptions {
  readonly workloads: readonly string[];
  readonly policies: readonly string[];
  readonly seeds: number;
  readonly firstSeed: number;
  /** Capacities are told apart down to this ratio. */
  readonly ratio: number;
  /** Requests per run. */
  readonly requests: number;
  readonly gateways: number;
  readonly scrapeEveryMs: number;
  /** Engines publish their caches' changes, of which this share is lost; undefined: they do not. */
  readonly cacheEventLoss: number | undefined;
  readonly faults: boolean;
  readonly processes: number;
  readonly markdown: boolean;
  readonly json: boolean;
  readonly out: string;
  /** Print the tables of this file instead of measuring. */
  readonly from: string | undefined;
}

const names = (map: ReadonlyMap<string, unknown>): readonly string[] => [...map.keys()];

/** One of each kind that tells policies apart. */
const QUICK_WORKLOADS: readonly string[] = ["mooncake", "conversations", "pressure", "unequal"];

export const HELP = `Usage: npm run bench:inference -- [options]

Policies for language-model requests, on simulated engines in virtual time: how much each can carry, and how fast.

  --quick            four workloads, few requests, one seed, no fault table: for a first look
  --workload LIST    ${names(WORKLOADS).join(",")}
  --policy LIST      ${names(CONTENDERS).join(",")}
  --seeds N          default 3
  --first-seed N     default 1: policies were chosen on the first few, others are the honest confirmation
  --requests N       requests per run (default 3000)
  --gateways N       gateways that know nothing of each other (default 1)
  --scrape MS        between two scrapes of an engine's metrics (default 100; 0: none)
  --cache-events P   engines publish cache events, share P of them lost (default: they publish none)
  --no-faults        leave out the fault table
  --processes N      default: as many as the machine has cores
  --markdown         print Markdown tables
  --json             print the whole result as JSON instead
  --out FILE         where the JSON goes (default bench/results/inference.json)
  --from FILE        measure nothing, print the tables of such a file
`;

/** The options, or the sentence that says what is wrong with them. */
export function parseOptions(args: readonly string[], defaultOut: string): BenchOptions | "help" | Error {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        quick: { type: "boolean", default: false },
        workload: { type: "string" },
        policy: { type: "string", default: names(CONTENDERS).join(",") },
        seeds: { type: "string" },
        "first-seed": { type: "string", default: "1" },
        requests: { type: "string" },
        gateways: { type: "string", default: "1" },
        scrape: { type: "string", default: "100" },
        "cache-events": { type: "string" },
        faults: { type: "boolean" },
        processes: { type: "string", default: String(availableParallelism()) },
        markdown: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        out: { type: "string", default: defaultOut },
        from: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    return error as Error;
  }
  if (values.help) return "help";
  const everyday = values.quick ? QUICK_WORKLOADS : names(WORKLOADS);
  const workloads = chosen("--workload", values.workload ?? everyday.join(","), names(WORKLOADS));
  if (workloads instanceof Error) return workloads;
  const policies = chosen("--policy", values.policy, names(CONTENDERS));
  if (policies instanceof Error) return policies;
  const seeds = Number(values.seeds ?? (values.quick ? 1 : 3));
  const firstSeed = Number(values["first-seed"]);
  const requests = Number(values.requests ?? (values.quick ? 1200 : 3000));
  const gateways = Number(values.gateways);
  const processes = Number(values.processes);
  const scrapeMs = Number(values.scrape);
  const loss = values["cache-events"] === undefined ? undefined : Number(values["cache-events"]);
  if (!isCount(seeds, 100)) return new Error("--seeds: expected 1 to 100");
  if (!isCount(firstSeed, 1_000_000)) return new Error("--first-seed: expected 1 to 1000000");
  if (!isCount(requests, 100_000) || requests < 100) return new Error("--requests: expected 100 to 100000");
  if (!isCount(gateways, 64)) return new Error("--gateways: expected 1 to 64");
  if (!isCount(processes, 256)) return new Error("--processes: expected 1 to 256");
  if (!(scrapeMs >= 0 && scrapeMs <= 60_000)) return new Error("--scrape: expected 0 to 60000");
  if (loss !== undefined && !(loss >= 0 && loss < 1))
    return new Error("--cache-events: expected a share from 0 up to 1");
  return {
    workloads,
    policies,
    seeds,
    firstSeed,
    ratio: values.quick ? 1.05 : 1.02,
    requests,
    gateways,
    scrapeEveryMs: scrapeMs === 0 ? Number.POSITIVE_INFINITY : scrapeMs,
    cacheEventLoss: loss,
    faults: values.faults ?? !values.quick,
    processes,
    markdown: values.markdown,
    json: values.json,
    out: values.out,
    from: values.from,
  };
}

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most;
}

function chosen(flag: string, list: string, known: readonly string[]): readonly string[] | Error {
  const words = list.split(",").map((word) => word.trim());
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined)
    return new Error(`${flag}: no such thing as "${unknown}"; known: ${known.join(", ")}`);
  return known.filter((word) => words.includes(word));
}
