/**
 * The command line of `npm run bench:gateway`.
 *
 * Every bound of the run is here: rounds, seconds per cell, which rows and which peers.
 */
import { parseArgs } from "node:util";
import { chosen, whole } from "../lib/options.ts";
import { ROW_NAMES, type RowName } from "./rows.ts";

export const PEER_NAMES = ["plimsoll", "nginx", "haproxy", "http-proxy-3"] as const;
export type PeerName = (typeof PEER_NAMES)[number];

export interface BenchOptions {
  readonly rounds: number;
  /** Length of one measurement of one row on one proxy, in seconds. */
  readonly seconds: number;
  readonly rows: readonly RowName[];
  readonly peers: readonly PeerName[];
  readonly markdown: boolean;
  readonly out: string;
}

export const HELP = `Usage: npm run bench:gateway -- [options]

Measures reverse proxies side by side in one run, all in front of the same origin, on loopback.

  --rounds N       rounds over all rows and proxies (default 5); medians are reported
  --seconds N      length of one measurement (default 3)
  --only LIST      rows: ${ROW_NAMES.join(",")}
  --peers LIST     proxies: ${PEER_NAMES.join(",")}
  --markdown       print Markdown tables as well, ready for docs/performance.md
  --out FILE       where the JSON goes (default bench/results/gateway.json)
  --help           this text
`;

/** Returns the options, or the sentence that says what is wrong with them. */
export function parseOptions(args: readonly string[], defaultOut: string): BenchOptions | "help" | Error {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        rounds: { type: "string", default: "5" },
        seconds: { type: "string", default: "3" },
        only: { type: "string", default: ROW_NAMES.join(",") },
        peers: { type: "string", default: PEER_NAMES.join(",") },
        markdown: { type: "boolean", default: false },
        out: { type: "string", default: defaultOut },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    return error as Error;
  }
  if (values.help) return "help";
  const rounds = whole("--rounds", values.rounds, 1, 100);
  if (rounds instanceof Error) return rounds;
  const seconds = Number(values.seconds);
  // The kernel counts processor time in ticks of 10 ms and wrk takes whole seconds: less than one makes no sense.
  if (!(seconds >= 1 && seconds <= 60)) return new Error("--seconds: expected 1 to 60");
  const rows = chosen("--only", values.only, ROW_NAMES);
  if (rows instanceof Error) return rows;
  const peers = chosen("--peers", values.peers, PEER_NAMES);
  if (peers instanceof Error) return peers;
  return { rounds, seconds, rows, peers, markdown: values.markdown, out: values.out };
}
