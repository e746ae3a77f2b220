/**
 * A problem as one line of text, in the form editors and terminals turn into links.
 */
import type { Problem } from "../model/problem.ts";

/** `routes.yaml:12:9: error: HTTPRoute shop/web spec.rules[0].name: message (expected ..., found ...)`. */
export function formatProblem(problem: Problem): string {
  const subject = [problem.object, problem.path].filter((part) => part !== "").join(" ");
  const facts = [
    problem.expected === "" ? "" : `expected ${problem.expected}`,
    problem.found === "" ? "" : `found ${problem.found}`,
  ].filter((fact) => fact !== "");
  const place = `${problem.file}:${problem.line}:${problem.column}: ${problem.severity}: `;
  const detail = facts.length === 0 ? "" : ` (${facts.join(", ")})`;
  return `${place}${subject === "" ? "" : `${subject}: `}${problem.message}${detail}`;
}
