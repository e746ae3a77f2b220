/**
 * Paths under one hostname: exact, then regular expressions, then the longest prefix.
 *
 * The Gateway API puts exact before prefix and leaves regular expressions to the implementation; ours stand between,
 * longer pattern first. Prefixes are element-wise and kept without their trailing slash (`/a/` and `/a` are one,
 * `/` is the empty key), so the walk cuts the path at its slashes, longest first. A path whose candidates all decline
 * (method, headers, query) falls through to the next less specific one.
 */
import type { PathMatch } from "../../model/route.ts";
import { byPrecedence, candidateSatisfied, firstSatisfied } from "./candidate.ts";
import type { Candidate } from "./candidate.ts";
import type { RouteFacts } from "./facts.ts";
import type { KeyLengths } from "./lengths.ts";
import { keyLengths } from "./lengths.ts";
import { compileRegex } from "./regex.ts";

export interface PathTable<T> {
  readonly exact: ReadonlyMap<string, readonly Candidate<T>[]>;
  readonly regexes: readonly RegexEntry<T>[];
  readonly prefix: ReadonlyMap<string, readonly Candidate<T>[]>;
  readonly prefixLengths: KeyLengths;
}

interface RegexEntry<T> {
  readonly regex: RegExp;
  readonly length: number;
  readonly candidate: Candidate<T>;
}

export interface PathEntry<T> {
  readonly path: PathMatch;
  readonly candidate: Candidate<T>;
}

/** `/a/` and `/a` mean the same prefix; `/` is the empty key, which every path has. */
export function prefixKey(value: string): string {
  return value.endsWith("/") ? value.slice(0, -1) : value;
}

export function pathTable<T>(entries: readonly PathEntry<T>[]): PathTable<T> {
  const exact = new Map<string, Candidate<T>[]>();
  const prefix = new Map<string, Candidate<T>[]>();
  const regexes: RegexEntry<T>[] = [];
  for (const { path, candidate } of entries) {
    switch (path.kind) {
      case "exact":
        append(exact, path.value, candidate);
        break;
      case "prefix":
        append(prefix, prefixKey(path.value), candidate);
        break;
      case "regex": {
        const regex = compileRegex(path.value);
        if (regex !== undefined) regexes.push({ regex, length: path.value.length, candidate });
        break;
      }
    }
  }
  for (const candidates of [...exact.values(), ...prefix.values()]) candidates.sort(byPrecedence);
  regexes.sort((a, b) => b.length - a.length || byPrecedence(a.candidate, b.candidate));
  return Object.freeze({ exact, regexes, prefix, prefixLengths: keyLengths(prefix.keys()) });
}

function append<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

export function matchPath<T>(table: PathTable<T>, facts: RouteFacts): Candidate<T> | undefined {
  const exact = table.exact.get(facts.path);
  if (exact !== undefined) {
    const hit = firstSatisfied(exact, facts);
    if (hit !== undefined) return hit;
  }
  for (const entry of table.regexes) {
    if (entry.regex.test(facts.path) && candidateSatisfied(entry.candidate, facts)) return entry.candidate;
  }
  return table.prefix.size === 0 ? undefined : matchPrefix(table, facts);
}

function matchPrefix<T>(table: PathTable<T>, facts: RouteFacts): Candidate<T> | undefined {
  const { path } = facts;
  const { max, present } = table.prefixLengths;
  // The whole path is a prefix of itself; every shorter one ends where a slash begins the next element.
  let end = path.length <= max ? path.length : path.lastIndexOf("/", max);
  while (end >= 0) {
    if (present[end] === 1) {
      const candidates = table.prefix.get(path.slice(0, end));
      const hit = candidates === undefined ? undefined : firstSatisfied(candidates, facts);
      if (hit !== undefined) return hit;
    }
    if (end === 0) break;
    end = path.lastIndexOf("/", end - 1);
  }
  return undefined;
}
