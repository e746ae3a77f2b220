/**
 * A request's body, read to its end, and no further than is allowed.
 */
import type { IncomingMessage } from "node:http";

/** Undefined: the client went away before the end. */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
): Promise<Buffer | "too-large" | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= bytesMax) chunks.push(chunk);
      else {
        // What is still to come is taken and thrown away, so that the answer is read before the connection closes.
        chunks.length = 0;
        resolve("too-large");
      }
    });
    request.on("end", () => resolve(Buffer.concat(chunks, size <= bytesMax ? size : 0)));
    request.on("error", () => resolve(undefined));
    request.on("close", () => resolve(undefined));
  });
}
