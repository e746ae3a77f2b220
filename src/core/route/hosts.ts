/**
 * Hostnames, most specific first: exact, then the longest wildcard, then any.
 *
 * `*.example.com` covers any number of labels in its place (`a.example.com`, `a.b.example.com`) but at least one, so
 * never `example.com`. Wildcards are kept under their suffix with the dot (`.example.com`), so the walk cuts the host
 * at its dots, longest first.
 */
import type { KeyLengths } from "./lengths.ts";
import { keyLengths } from "./lengths.ts";

export interface HostTable<V> {
  readonly exact: ReadonlyMap<string, V>;
  readonly wildcard: ReadonlyMap<string, V>;
  readonly wildcardLengths: KeyLengths;
  readonly any: V | undefined;
}

/** Keys are lower case: `shop.example.com`, `*.example.com` or `*`. */
export function hostTable<V>(entries: ReadonlyMap<string, V>): HostTable<V> {
  const exact = new Map<string, V>();
  const wildcard = new Map<string, V>();
  for (const [hostname, value] of entries) {
    if (hostname.startsWith("*.")) wildcard.set(hostname.slice(1), value);
    else if (hostname !== "*") exact.set(hostname, value);
  }
  return Object.freeze({
    exact,
    wildcard,
    wildcardLengths: keyLengths(wildcard.keys()),
    any: entries.get("*"),
  });
}

/** The value of the most specific hostname that covers the host. */
export function mostSpecificHost<V>(table: HostTable<V>, host: string): V | undefined {
  return table.exact.get(host) ?? nextWildcard(table, host, 0)?.value ?? table.any;
}

/**
 * Asks `visit` for each value whose hostname covers the host, most specific first, until one answers.
 *
 * `visit` is a module-level function and `context` its argument, so that a lookup allocates no closure.
 */
export function visitHosts<V, C, R>(
  table: HostTable<V>,
  host: string,
  context: C,
  visit: (value: V, context: C) => R | undefined,
): R | undefined {
  const exact = table.exact.get(host);
  if (exact !== undefined) {
    const answer = visit(exact, context);
    if (answer !== undefined) return answer;
  }
  for (let hit = nextWildcard(table, host, 0); hit !== undefined; hit = nextWildcard(table, host, hit.next)) {
    const answer = visit(hit.value, context);
    if (answer !== undefined) return answer;
  }
  return table.any === undefined ? undefined : visit(table.any, context);
}

/** The longest wildcard whose suffix begins at or after `from`; `next` is where the search for a shorter one goes on. */
function nextWildcard<V>(
  table: HostTable<V>,
  host: string,
  from: number,
): { readonly value: V; readonly next: number } | undefined {
  if (table.wildcard.size === 0) return undefined;
  const { max, present } = table.wildcardLengths;
  // At least one character stands before the dot, and no suffix longer than the longest key is worth cutting.
  let dot = host.indexOf(".", Math.max(from, 1, host.length - max));
  while (dot !== -1) {
    if (present[host.length - dot] === 1) {
      const value = table.wildcard.get(host.slice(dot));
      if (value !== undefined) return { value, next: dot + 1 };
    }
    dot = host.indexOf(".", dot + 1);
  }
  return undefined;
}
