/**
 * From a request to the number that decides its endpoint under ConsistentHash.
 *
 * The number is a murmur3 hash in [0, 2^31): small enough that it is never boxed, wide enough that keys rarely meet.
 * All gateways make the same of the same key. A request that lacks the key has none (NO_HASH) and is balanced
 * by cost, not thrown onto the endpoint of the empty text.
 */
import type { HashKey } from "../../model/balancing.ts";
import { murmur3 } from "../../std/murmur3.ts";
import { NO_HASH } from "./pick-facts.ts";

/** What the request must be able to tell; whoever carries it implements this. */
export interface HashSource {
  /** Without the query. */
  readonly path: string;
  /** By lower-case name; several values joined by `,`. */
  header(name: string): string | undefined;
}

const SEED = 0x2545f491;

export function hashText(text: string): number {
  return murmur3(text, SEED) >>> 1;
}

export function hashOf(key: HashKey, source: HashSource, clientAddress: string): number {
  const text = keyText(key, source, clientAddress);
  return text === undefined ? NO_HASH : hashText(text);
}

function keyText(key: HashKey, source: HashSource, clientAddress: string): string | undefined {
  switch (key.kind) {
    case "header":
      return source.header(key.name);
    case "cookie":
      return cookieValue(source.header("cookie"), key.name);
    case "source-ip":
      return clientAddress;
    case "path":
      return source.path;
  }
}

/** The first cookie of that name (RFC 6265 section 5.4 sends the most specific first). */
function cookieValue(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined;
  for (let at = 0; at < header.length;) {
    let end = header.indexOf(";", at);
    if (end < 0) end = header.length;
    const equals = header.indexOf("=", at);
    if (equals >= 0 && equals < end && header.slice(at, equals).trim() === name) {
      return header.slice(equals + 1, end).trim();
    }
    at = end + 1;
  }
  return undefined;
}
