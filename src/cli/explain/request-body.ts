/**
 * The body of a described request: a file, or what comes on standard input. Throws ExplainError where it cannot be had.
 */
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { ExplainError } from "./explain-error.ts";

/** `source`: a path, or `-`. */
export async function readRequestBody(source: string): Promise<Uint8Array> {
  try {
    return source === "-" ? await buffer(process.stdin) : await readFile(source);
  } catch (error) {
    const said = `cannot read the body: ${(error as Error).message}`;
    throw new ExplainError(said, "a file with the request's JSON, or - for standard input");
  }
}
