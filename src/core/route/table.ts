/**
 * The route table of one port: built when a view is built, asked once per request.
 *
 * Two levels of hostnames, because the Gateway API asks for both. First the listener with the most specific hostname
 * takes the request alone (a rule missing there is not looked for in a wider listener); then, among the rules attached
 * to it, the most specific hostname is tried first and wider ones after it. Each leaf is a table of paths. Cost per
 * request grows with the number of labels and path elements, and with the regular expressions under the hostname,
 * never with the number of routes.
 */
import type { ListenerSpec, RouteRule } from "../../model/route.ts";
import { candidateOf } from "./candidate.ts";
import type { Candidate } from "./candidate.ts";
import type { RouteFacts } from "./facts.ts";
import { hostTable, mostSpecificHost, visitHosts } from "./hosts.ts";
import type { HostTable } from "./hosts.ts";
import { matchPath, pathTable } from "./paths.ts";
import type { PathEntry, PathTable } from "./paths.ts";

export interface RouteTable<T> {
  readonly listeners: HostTable<HostTable<PathTable<T>>>;
}

/**
 * Listeners of one port. `resolve` is called once for each rule of each listener, so the caller decides what a match
 * yields (its runtime pools, say). Listeners that share a hostname are one.
 */
export function compileRoutes<T>(
  listeners: readonly ListenerSpec[],
  resolve: (rule: RouteRule) => T,
): RouteTable<T> {
  const byListener = new Map<string, Map<string, PathEntry<T>[]>>();
  for (const listener of listeners) {
    const byHost = byListener.get(listener.hostname) ?? new Map<string, PathEntry<T>[]>();
    byListener.set(listener.hostname, byHost);
    for (const attached of listener.rules) {
      const target = resolve(attached.rule);
      for (const match of attached.rule.matches) {
        const candidate = candidateOf(attached, match, target);
        if (candidate === undefined) continue;
        for (const hostname of attached.hostnames) {
          const entries = byHost.get(hostname);
          if (entries === undefined) byHost.set(hostname, [{ path: match.path, candidate }]);
          else entries.push({ path: match.path, candidate });
        }
      }
    }
  }
  return Object.freeze({ listeners: hostTable(mapValues(byListener, listenerTable)) });
}

function listenerTable<T>(byHost: ReadonlyMap<string, readonly PathEntry<T>[]>): HostTable<PathTable<T>> {
  return hostTable(mapValues(byHost, pathTable<T>));
}

function mapValues<A, B>(map: ReadonlyMap<string, A>, change: (value: A) => B): Map<string, B> {
  return new Map(Array.from(map, ([key, value]) => [key, change(value)]));
}

/** What the winning rule resolved to, or undefined where none matches. Calls no clock, allocates next to nothing. */
export function matchRoute<T>(table: RouteTable<T>, facts: RouteFacts): T | undefined {
  const listener = mostSpecificHost(table.listeners, facts.host);
  if (listener === undefined) return undefined;
  return visitHosts<PathTable<T>, RouteFacts, Candidate<T>>(listener, facts.host, facts, matchPath)?.target;
}
