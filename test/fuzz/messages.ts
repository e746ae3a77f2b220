/**
 * Shorthand for messages in which everything is ordinary but one thing.
 */
export function lines(...all: readonly string[]): string {
  return all.map((each) => `${each}\r\n`).join("");
}

/** A GET with these further field lines. */
export function get(...fields: readonly string[]): string {
  return lines("GET / HTTP/1.1", "Host: a", ...fields, "");
}

/** A POST with these further field lines, and then `body`. */
export function post(fields: readonly string[], body = ""): string {
  return lines("POST / HTTP/1.1", "Host: a", ...fields, "") + body;
}

/** A POST with a chunked body. */
export function chunked(body: string): string {
  return post(["Transfer-Encoding: chunked"], body);
}

/** A request of this request line and a Host; null: without one. */
export function line(requestLine: string, host: string | null = "a"): string {
  return lines(requestLine, ...(host === null ? [] : [`Host: ${host}`]), "");
}

/** A response with these field lines, and then `body`. */
export function answer(status: string, fields: readonly string[] = [], body = ""): string {
  return lines(`HTTP/1.1 ${status}`, ...fields, "") + body;
}
