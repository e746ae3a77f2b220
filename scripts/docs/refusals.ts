/**
 * docs/refusals.md: every reason for which Plimsoll itself answers, from the one table that the code uses.
 */
import { REFUSALS } from "../../src/model/refusal.ts";
import { generatedFrom, table } from "./markdown.ts";

/** The canonical codes that refusals use, by number: grpc/grpc `doc/statuscodes.md`. */
const GRPC_CODES: ReadonlyMap<number, string> = new Map([
  [3, "INVALID_ARGUMENT"],
  [4, "DEADLINE_EXCEEDED"],
  [5, "NOT_FOUND"],
  [7, "PERMISSION_DENIED"],
  [8, "RESOURCE_EXHAUSTED"],
  [12, "UNIMPLEMENTED"],
  [13, "INTERNAL"],
  [14, "UNAVAILABLE"],
  [16, "UNAUTHENTICATED"],
]);

export function renderRefusals(): string {
  const rows = Object.entries(REFUSALS).map(([name, facts]) => [
    `\`${name}\``,
    String(facts.status),
    grpcCode(facts.grpcCode),
    facts.clientMayRetry ? "yes" : "no",
    facts.meaning,
  ]);
  return `${generatedFrom("src/model/refusal.ts")}

# Refusals

When Plimsoll itself answers a request instead of an endpoint, it says why. The name below is public and the same
everywhere: in the response header \`x-plimsoll-refusal\`, in the access log and in metrics.

*May retry* says whether the same request could succeed a moment later.

${table(["Refusal", "HTTP status", "gRPC code", "May retry", "Meaning"], rows)}
`;
}

function grpcCode(code: number): string {
  const name = GRPC_CODES.get(code);
  if (name === undefined) throw new Error(`gRPC code ${code} has no name here`);
  return `${code} ${name}`;
}
