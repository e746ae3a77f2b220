/**
 * Why a request finds the rule it finds, or none: told from the configuration, beside the route table that decides.
 *
 * The table (core/route) says which rule; here each match of the listener's rules is asked again, part by part, by the
 * same code, so that what is told cannot differ from what is done. Costs a look at every rule of the listener; never
 * on the path of a request.
 */
import { candidateOf, candidateSatisfied } from "../core/route/candidate.ts";
import type { RouteFacts } from "../core/route/facts.ts";
import { hostTable, mostSpecificHost } from "../core/route/hosts.ts";
import { matchPath, pathTable } from "../core/route/paths.ts";
import type { AttachedRule, ListenerSpec, PathMatch, RouteMatch, ValueMatch } from "../model/route.ts";

export interface RouteExplanation {
  /** `namespace/gateway/listener`; several where listeners share a hostname. Empty: none is for the host. */
  readonly listeners: readonly string[];
  /** Of those; undefined where there is none. */
  readonly hostname: string | undefined;
  /** Hostnames the port listens for, most specific first. */
  readonly hostnames: readonly string[];
  /** `namespace/route/rule`; undefined: no rule takes the request. */
  readonly rule: string | undefined;
  /** The rule's match that holds, in words. */
  readonly match: string | undefined;
  /** Rules that would take it too, were the more specific one not there; at most RULES_TOLD. */
  readonly passedOver: readonly { readonly rule: string; readonly match: string }[];
  /** Where no rule takes it: those that came nearest, at most RULES_TOLD. */
  readonly nearest: readonly NearMiss[];
}

export interface NearMiss {
  readonly rule: string;
  readonly match: string;
  /** What does not hold, in words. */
  readonly missing: readonly string[];
}

/** More would hide the one that was meant. */
const RULES_TOLD = 3;

/** `listeners`: those of the port. `taken`: id of the rule that the route table gave. */
export function explainRoute(
  listeners: readonly ListenerSpec[],
  facts: RouteFacts,
  taken: string | undefined,
): RouteExplanation {
  const byHostname = Map.groupBy(listeners, ({ hostname }) => hostname);
  const sharing = mostSpecificHost(hostTable(byHostname), facts.host) ?? [];
  const tried = sharing.flatMap(({ rules }) => rules.map((rule) => nearestMatch(rule, facts)));
  const winner = tried.find(({ rule, missing }) => rule === taken && missing.length === 0);
  const others = tried.filter(({ rule, missing }) => rule !== taken && missing.length === 0);
  return {
    listeners: sharing.map(({ name }) => name),
    hostname: sharing[0]?.hostname,
    hostnames: [...byHostname.keys()].toSorted((a, b) => b.length - a.length),
    rule: taken,
    match: winner?.match,
    passedOver: others.slice(0, RULES_TOLD).map(({ rule, match }) => ({ rule, match })),
    nearest:
      taken === undefined
        ? tried
            .toSorted((a, b) => a.distance - b.distance)
            .slice(0, RULES_TOLD)
            .map(({ rule, match, missing }) => ({ rule, match, missing }))
        : [],
  };
}

/** The rule's match of which the least is missing; the first of several. */
function nearestMatch(attached: AttachedRule, facts: RouteFacts): Tried {
  const host = hostMissing(attached, facts);
  const rule = attached.rule.id;
  let best: Tried = { rule, match: "nothing", missing: ["it has no match"], distance: Infinity };
  for (const match of attached.rule.matches) {
    const path = pathHolds(attached, match.path, facts) ? [] : [`path is not ${pathWords(match.path)}`];
    const rest = partsMissing(attached, match, facts);
    const distance = (host.length + path.length) * WHERE_COUNTS + rest.length;
    if (distance >= best.distance) continue;
    best = { rule, match: matchWords(match), missing: [...host, ...path, ...rest], distance };
    if (distance === 0) break;
  }
  return best;
}

interface Tried extends NearMiss {
  /** 0: it holds. */
  readonly distance: number;
}

/** Who wonders about a rule has its host and path in mind; the rest is what was forgotten. */
const WHERE_COUNTS = 10;

function hostMissing({ hostnames }: AttachedRule, { host }: RouteFacts): readonly string[] {
  const table = hostTable(new Map(hostnames.map((hostname) => [hostname, true])));
  if (mostSpecificHost(table, host) === true) return [];
  return [`host is ${quoted(host)}, not ${hostnames.join(" or ")}`];
}

/** Beside host and path. Each part is asked alone, by the code that routes. */
function partsMissing(attached: AttachedRule, match: RouteMatch, facts: RouteFacts): readonly string[] {
  const missing: string[] = [];
  const holds = (part: Partial<RouteMatch>): boolean => {
    const alone = { path: match.path, method: undefined, headers: [], query: [], ...part };
    const candidate = candidateOf(attached, alone, true);
    return candidate !== undefined && candidateSatisfied(candidate, facts);
  };
  if (!holds({ method: match.method })) missing.push(`method is not ${match.method}`);
  for (const header of match.headers)
    if (!holds({ headers: [header] })) missing.push(`header is not ${valueWords(header)}`);
  for (const param of match.query)
    if (!holds({ query: [param] })) missing.push(`query is not ${valueWords(param)}`);
  return missing;
}

function pathHolds(attached: AttachedRule, path: PathMatch, facts: RouteFacts): boolean {
  const anything = { path, method: undefined, headers: [], query: [] };
  const candidate = candidateOf(attached, anything, true)!;
  return matchPath(pathTable([{ path, candidate }]), facts) !== undefined;
}

/** A match as people say it: `path prefix /cart, method GET, header x-user = ann`. */
function matchWords({ path, method, headers, query }: RouteMatch): string {
  return [
    `path ${pathWords(path)}`,
    ...(method === undefined ? [] : [`method ${method}`]),
    ...headers.map((header) => `header ${valueWords(header)}`),
    ...query.map((param) => `query ${valueWords(param)}`),
  ].join(", ");
}

function pathWords({ kind, value }: PathMatch): string {
  if (kind === "exact") return `exactly ${value}`;
  return kind === "prefix" ? `prefix ${value}` : `like /${value}/`;
}

function valueWords({ kind, name, value }: ValueMatch): string {
  return kind === "exact" ? `${name} = ${quoted(value)}` : `${name} like /${value}/`;
}

function quoted(text: string): string {
  return text === "" ? '""' : text;
}
