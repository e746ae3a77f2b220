/**
 * Fields of the standard that Plimsoll does not act on yet, in objects that are ours to serve.
 *
 * What would change how requests are answered is an error: silence would be a wrong answer. What only describes the
 * surroundings is a warning. An empty list or mapping asks for nothing and passes.
 */
import type { Problem } from "../../model/problem.ts";
import type { Path } from "../read/path.ts";
import type { Resource } from "../resources.ts";
import { problemIn } from "./report.ts";

export function unsupportedInGateway(gateway: Resource<"Gateway">): readonly Problem[] {
  const { spec } = gateway.body;
  const complain = (
    severity: Problem["severity"],
    path: Path,
    value: unknown,
    consequence: string,
  ): Problem[] => (asksNothing(value) ? [] : [notYet(gateway, severity, path, consequence)]);
  return [
    ...complain("warning", ["spec", "addresses"], spec.addresses, "the gateway binds every address"),
    ...complain("warning", ["spec", "infrastructure"], spec.infrastructure, "nothing is created from it"),
    ...complain("warning", ["spec", "allowedListeners"], spec.allowedListeners, "no ListenerSet attaches"),
    ...complain("error", ["spec", "tls"], spec.tls, ""),
    ...complain("error", ["spec", "defaultScope"], spec.defaultScope, ""),
    ...spec.listeners.flatMap((listener, index) =>
      // Without TLS listeners the protocol is the problem, and that is told once already.
      listener.protocol === "HTTP"
        ? complain("error", ["spec", "listeners", index, "tls"], listener.tls, "an HTTP listener has no TLS")
        : [],
    ),
  ];
}

export function unsupportedInRoute(route: Resource<"HTTPRoute">): readonly Problem[] {
  const { spec } = route.body;
  const problems: Problem[] = [];
  const complain = (path: Path, value: unknown): void => {
    if (!asksNothing(value)) problems.push(notYet(route, "error", path, ""));
  };
  complain(["spec", "useDefaultGateways"], spec.useDefaultGateways);
  for (const [index, rule] of spec.rules.entries()) {
    const base = ["spec", "rules", index];
    problems.push(...filterProblems(route, [...base, "filters"], rule.filters));
    complain([...base, "retry"], rule.retry);
    complain([...base, "sessionPersistence"], rule.sessionPersistence);
    for (const [at, ref] of rule.backendRefs.entries()) {
      problems.push(...filterProblems(route, [...base, "backendRefs", at, "filters"], ref.filters));
    }
  }
  return problems;
}

function filterProblems(
  route: Resource<"HTTPRoute">,
  path: Path,
  filters: readonly unknown[] | undefined,
): readonly Problem[] {
  return (filters ?? []).map((filter, index) => {
    const type =
      typeof filter === "object" && filter !== null && "type" in filter ? String(filter.type) : "this kind";
    return problemIn(route, {
      severity: "error",
      path: [...path, index],
      message: `a filter of type ${type} is not supported yet`,
    });
  });
}

function notYet(
  resource: Resource<"Gateway" | "HTTPRoute">,
  severity: Problem["severity"],
  path: Path,
  consequence: string,
): Problem {
  const field = String(path.at(-1));
  const message = `${field} is not supported yet${consequence === "" ? "" : `: ${consequence}`}`;
  return problemIn(resource, { severity, path, message, at: "key" });
}

function asksNothing(value: unknown): boolean {
  if (value === undefined) return true;
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
