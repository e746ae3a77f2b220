/**
 * Where the picker's processor time goes, by a sampling profile that the program left when it ended (`node --cpu-prof`).
 *
 * A sample belongs to the part that its innermost function stands in. Idle time is left out; shares sum to 1.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The first that is found in a function's address says what it belongs to. */
const PARTS: readonly (readonly [part: string, place: string])[] = [
  ["gRPC", "/edge/extproc/rpc/"],
  ["decode and encode", "/edge/extproc/wire/"],
  ["stream", "/edge/extproc/"],
  ["hash", "/read/prompt-hasher"],
  ["hash", "/read/block-hash"],
  ["hash", "/read/byte-digest"],
  ["scan", "/core/inference/read/"],
  ["metrics pages", "/edge/scrape/"],
  ["metrics pages", "/core/signals/exposition"],
  ["decide", "/core/"],
  ["decide", "/std/"],
  ["join", "/src/"],
  ["node", "node:"],
];

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[];
}

/** Of the busiest thread, which is the one that serves. Only what was sampled in the last `seconds` counts. */
export function sharesOf(folder: string, seconds: number): ReadonlyMap<string, number> {
  const profiles = readdirSync(folder)
    .filter((name) => name.endsWith(".cpuprofile"))
    .map((name) => sampled(JSON.parse(readFileSync(join(folder, name), "utf8")) as Profile, seconds));
  const busiest = profiles.toSorted((a, b) => sum(b) - sum(a))[0] ?? new Map<string, number>();
  const all = sum(busiest);
  return new Map(
    [...busiest].map(([part, us]) => [part, us / all] as const).toSorted(([, a], [, b]) => b - a),
  );
}

function sampled({ nodes, samples, timeDeltas }: Profile, seconds: number): Map<string, number> {
  const partOf = new Map(nodes.map(({ id, callFrame }) => [id, partNamed(callFrame)]));
  const spent = new Map<string, number>();
  let fromEndUs = 0;
  for (let index = samples.length - 1; index >= 0 && fromEndUs < seconds * 1e6; index -= 1) {
    const us = timeDeltas[index] ?? 0;
    fromEndUs += us;
    const part = partOf.get(samples[index]!);
    if (part !== undefined) spent.set(part, (spent.get(part) ?? 0) + us);
  }
  return spent;
}

function partNamed({
  functionName,
  url,
}: {
  readonly functionName: string;
  readonly url: string;
}): string | undefined {
  if (functionName === "(idle)" || functionName === "(root)") return undefined;
  if (functionName === "(garbage collector)") return "collect";
  // Of native code, sockets and HTTP/2 framing are nearly all.
  if (functionName === "(program)" || url === "") return "native";
  return PARTS.find(([, place]) => url.includes(place))?.[0] ?? "other";
}

function sum(spent: ReadonlyMap<string, number>): number {
  return [...spent.values()].reduce((a, b) => a + b, 0);
}
