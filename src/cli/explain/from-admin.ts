/**
 * Asks a running gateway through its admin port. Throws ExplainError with what the gateway says, or with why it does not.
 */
import type { PastDecision } from "../../app/explain-decision.ts";
import type { RequestExplanation } from "../../app/explain-request.ts";
import type { RequestDescription } from "../../edge/admin/asked-request.ts";
import { ExplainError } from "./explain-error.ts";

const ANSWER_WITHIN_MS = 5_000;
const JSON_TYPE = { "content-type": "application/json" };

export async function explainFromAdmin(
  admin: string,
  { request, headers, port, client }: RequestDescription,
  body?: Uint8Array,
): Promise<RequestExplanation> {
  const query = new URLSearchParams({ request });
  for (const header of headers) query.append("header", header);
  if (port !== undefined) query.set("port", String(port));
  if (client !== undefined) query.set("client", client);
  return (await ask(admin, `/debug/explain?${query.toString()}`, body)) as RequestExplanation;
}

/** `id`: `namespace/service:port/number`. */
export async function decisionFromAdmin(admin: string, id: string): Promise<PastDecision> {
  const path = id.split("/").map(encodeURIComponent).join("/");
  return (await ask(admin, `/debug/decisions/${path}`)) as PastDecision;
}

async function ask(admin: string, target: string, body?: Uint8Array): Promise<unknown> {
  const reachable = "a running gateway (`plimsoll serve`) at --admin, or manifests with -f";
  let response: Response;
  let text: string;
  try {
    response = await fetch(admin + target, {
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      ...(body === undefined ? {} : { method: "POST", headers: JSON_TYPE, body: Buffer.from(body) }),
    });
    text = await response.text();
  } catch (error) {
    throw new ExplainError(`the admin at ${admin} does not answer: ${causeOf(error as Error)}`, reachable);
  }
  let answer: unknown;
  try {
    answer = parse(text);
  } catch {
    throw new ExplainError(
      `${admin} answers ${response.status}, but not as a gateway's admin does`,
      reachable,
    );
  }
  if (response.ok) return answer;
  const { error = `${admin} answers ${response.status}`, expected = "" } = answer as Record<string, string>;
  throw new ExplainError(error, expected);
}

/** Null, which JSON has for what is undefined, becomes undefined again. */
function parse(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => value ?? undefined);
}

function causeOf(error: Error & { readonly cause?: unknown }): string {
  if (error.name === "TimeoutError") return `nothing within ${ANSWER_WITHIN_MS / 1000} s`;
  const cause = error.cause as (Error & { readonly code?: string }) | undefined;
  return cause?.code === "ECONNREFUSED" ? "nobody listens there" : (cause?.message ?? error.message);
}
