/**
 * From a request's id to the decisions that were made for it: the access log has them (docs/observability.md).
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { ExplainError } from "./explain-error.ts";

export interface LoggedRequest {
  readonly time: string;
  readonly requestId: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly pool: string | null;
  readonly status: number;
  readonly why: string;
  readonly totalMs: number;
  readonly attempts: readonly LoggedAttempt[];
}

export interface LoggedAttempt {
  readonly endpoint: string;
  readonly decision: number;
  readonly outcome: string;
  readonly totalMs: number;
}

/** The last line with the id: clients may use one twice. Throws ExplainError where there is none. */
export async function findRequest(path: string, requestId: string): Promise<LoggedRequest> {
  const sought = `"requestId":${JSON.stringify(requestId)}`;
  let found: string | undefined;
  try {
    const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
    for await (const line of lines) if (line.includes(sought)) found = line;
  } catch (error) {
    throw new ExplainError(
      `cannot read the access log: ${(error as Error).message}`,
      "a file of --access-log",
    );
  }
  if (found === undefined) {
    throw new ExplainError(`no request ${requestId} in ${path}`, "a requestId of that access log");
  }
  try {
    return JSON.parse(found) as LoggedRequest;
  } catch {
    throw new ExplainError(`the line of ${requestId} in ${path} is torn`, "a whole line of JSON");
  }
}
