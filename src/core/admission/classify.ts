/**
 * Which class of work a request is of.
 *
 * 1. What it says: the first class, in the order of configuration, with a match that asks for nothing observed and holds.
 * 2. What its route was observed to do: the first class with a match that asks for that too.
 * 3. The built-in kind that the route's habits make it; interactive until they are known. A class of that kind which has no
 *    match of its own stands in for the built-in one.
 *
 * Said goes before observed, because it is certain and can be changed by whoever sends the request or writes the route.
 * Compiled once per pool and configuration; `classify` allocates nothing.
 */
import type { WorkloadClass, WorkloadKind, WorkloadMatch } from "../../model/workload.ts";
import { BUILT_IN_CLASSES, WORKLOAD_KINDS } from "../../model/workload.ts";
import { compileRegex } from "../route/regex.ts";
import type { RouteHabits } from "./observed.ts";

export interface ClassifyRule {
  /** `namespace/route/rule`. */
  readonly id: string;
  /** `namespace/route`. */
  readonly route: string;
}

export interface ClassifyFacts {
  readonly method: string;
  /** By lower-case name; several values joined by `,`. */
  header(nameLowerCase: string): string | undefined;
}

interface Compiled {
  readonly classIndex: number;
  readonly match: WorkloadMatch;
  readonly headers: readonly { readonly name: string; readonly holds: (value: string) => boolean }[];
}

/** The classes that may be met at a pool, in the order that `Classifier` and admission index them by: own, then built-in. */
export function classesAt(poolKey: string, all: readonly WorkloadClass[]): readonly WorkloadClass[] {
  const own = all.filter(({ poolKeys }) => poolKeys === undefined || poolKeys.includes(poolKey));
  return [...own, ...BUILT_IN_CLASSES];
}

export class Classifier {
  readonly #said: readonly Compiled[];
  readonly #observed: readonly Compiled[];
  readonly #byKind: Readonly<Record<WorkloadKind, number>>;

  /** `classes`: as `classesAt` gives them. */
  constructor(classes: readonly WorkloadClass[]) {
    const all = classes.flatMap(({ match }, classIndex) => match.map((each) => compile(each, classIndex)));
    this.#said = all.filter(({ match }) => match.observed === undefined);
    this.#observed = all.filter(({ match }) => match.observed !== undefined);
    const indexOf = (kind: WorkloadKind): number =>
      classes.findIndex((each) => each.kind === kind && each.match.length === 0);
    const [interactive, streaming, batch, training] = WORKLOAD_KINDS.map(indexOf) as [
      number,
      number,
      number,
      number,
    ];
    this.#byKind = { interactive, streaming, batch, training };
  }

  /** Index of the class. `habits`: of the request's route; undefined: nothing is known of it. */
  classify(rule: ClassifyRule, facts: ClassifyFacts, habits: RouteHabits | undefined): number {
    for (const compiled of this.#said) if (says(compiled, rule, facts)) return compiled.classIndex;
    if (habits === undefined) return this.#byKind.interactive;
    for (const compiled of this.#observed) {
      if (habits.holds(compiled.match.observed!) && says(compiled, rule, facts)) return compiled.classIndex;
    }
    return this.#byKind[habits.kind];
  }
}

function says({ match, headers }: Compiled, rule: ClassifyRule, facts: ClassifyFacts): boolean {
  const { routes, methods, contentTypes } = match;
  if (routes.length > 0 && !routes.includes(rule.route) && !routes.includes(rule.id)) return false;
  if (methods.length > 0 && !methods.includes(facts.method)) return false;
  if (contentTypes.length > 0 && !isOfType(facts.header("content-type"), contentTypes)) return false;
  for (const { name, holds } of headers) {
    const value = facts.header(name);
    if (value === undefined || !holds(value)) return false;
  }
  return true;
}

/** RFC 9110 section 8.3.1: type and subtype are case-insensitive; parameters follow a semicolon. */
function isOfType(value: string | undefined, types: readonly string[]): boolean {
  if (value === undefined) return false;
  const semicolon = value.indexOf(";");
  const type = (semicolon === -1 ? value : value.slice(0, semicolon)).trim().toLowerCase();
  for (const each of types) {
    if (each.endsWith("/*") ? type.startsWith(each.slice(0, -1)) : type === each) return true;
  }
  return false;
}

function compile(match: WorkloadMatch, classIndex: number): Compiled {
  const headers = match.headers.map((header) => {
    if (header.kind === "exact")
      return { name: header.name, holds: (value: string) => value === header.value };
    const regex = compileRegex(header.value);
    // One that does not compile has been refused by configuration; here it matches nothing.
    return { name: header.name, holds: (value: string) => regex?.test(value) === true };
  });
  return { classIndex, match, headers };
}
