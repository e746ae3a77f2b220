/**
 * Workloads from public recordings, where they are at hand: a folder named by PLIMSOLL_DATA, or `../shared/data` beside the repository.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../../..");

export function dataFolder(): string {
  return process.env["PLIMSOLL_DATA"] ?? join(ROOT, "../shared/data");
}

/** The file's text, or undefined where it is not at hand. */
export function readData(path: string): string | undefined {
  const file = join(dataFolder(), path);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

export function jsonLines(text: string): readonly unknown[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
}

/** `count` neighbours from place `from` on; past the end it goes on at the beginning, in time too. */
export function windowOf<T extends { readonly atMs: number }>(
  rows: readonly T[],
  from: number,
  count: number,
): readonly T[] {
  const spanMs = rows.at(-1)!.atMs - rows[0]!.atMs;
  const first = rows[from % rows.length]!.atMs;
  return Array.from({ length: Math.min(count, rows.length) }, (_, index) => {
    const place = (from + index) % rows.length;
    const wrapped = from % rows.length > place ? spanMs : 0;
    return { ...rows[place]!, atMs: rows[place]!.atMs - first + wrapped };
  });
}
