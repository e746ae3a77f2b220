/**
 * A request's head as the gateway tells it, in the words of routing; and what the gateway says beside it.
 */
import { isIP } from "node:net";
import type { CarriedHead } from "../../app/carried-exchange.ts";
import type { HeaderTexts, ProcessingRequest } from "./wire/processing-request.ts";
import type { StructTexts } from "./wire/struct.ts";

/** What the picker says where a request goes in, as header and as metadata. */
export const DESTINATION = "x-gateway-destination-endpoint";
export const DESTINATION_NAMESPACE = "envoy.lb";
const SUBSET_NAMESPACE = "envoy.lb.subset_hint";
const SUBSET = "x-gateway-destination-endpoint-subset";
const SERVED = "x-gateway-destination-endpoint-served";

/** How a gateway names the pool: in the call's own metadata, or in the request's. */
export const POOL_METADATA = "x-gateway-inference-pool";
const POOL_NAMESPACE = "plimsoll.dev";
const POOL_KEY = "pool";

const REQUEST_ID = /^[\w.:+/=-]{1,128}$/;

export class StreamHead implements CarriedHead {
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly method: string;
  readonly authority: string;
  readonly port: number;
  readonly requestId: string;
  /** The request came without an id that can be passed on. */
  readonly isNamedHere: boolean;
  readonly #headers: HeaderTexts;

  constructor(headers: HeaderTexts, port: number, nextRequestId: () => string) {
    this.#headers = headers;
    this.port = port;
    this.method = headers.get(":method") ?? "";
    this.authority = headers.get(":authority") ?? headers.get("host") ?? "";
    this.host = hostOf(this.authority);
    const target = headers.get(":path") ?? "/";
    const query = target.indexOf("?");
    this.path = query < 0 ? target : target.slice(0, query);
    this.query = query < 0 ? "" : target.slice(query + 1);
    const id = headers.get("x-request-id") ?? "";
    this.isNamedHere = !REQUEST_ID.test(id);
    this.requestId = this.isNamedHere ? nextRequestId() : id;
  }

  header(name: string): string | undefined {
    return this.#headers.get(name);
  }

  /** What a client may have forged: names that only the picker and the gateway may use, other than the one that is set. */
  forged(): readonly string[] {
    const names: string[] = [];
    for (const name of this.#headers.keys())
      if (name.startsWith(DESTINATION) && name !== DESTINATION) names.push(name);
    return names;
  }
}

/** Lower case, without port and trailing dot. */
function hostOf(authority: string): string {
  const host = authority.toLowerCase().replace(/:[0-9]*$/, "");
  return host.endsWith(".") ? host.slice(0, -1) : host;
}

/** The client's address: as the gateway saw it if it says so, else the nearest that was forwarded; "" if none is known. */
export function clientAddress(request: ProcessingRequest): string {
  const seen = request.attributes?.get("source.address")?.[0] ?? "";
  const forwarded = request.headers.get("x-forwarded-for") ?? "";
  const last = forwarded.slice(forwarded.lastIndexOf(",") + 1).trim();
  return plainAddress(seen) ?? plainAddress(last) ?? "";
}

function plainAddress(text: string): string | undefined {
  if (isIP(text) !== 0) return text;
  const match = /^\[?(.*?)\]?:[0-9]{1,5}$/.exec(text);
  return match !== null && isIP(match[1]!) !== 0 ? match[1]! : undefined;
}

type Metadata = ReadonlyMap<string, StructTexts> | undefined;

/**
 * The only endpoints that may be picked; undefined: any. A list, a text with commas, or a list of such texts; an empty one
 * allows nobody.
 */
export function subsetIn(metadata: Metadata): readonly string[] | undefined {
  const texts = metadata?.get(SUBSET_NAMESPACE)?.get(SUBSET);
  if (texts === undefined) return undefined;
  return texts.flatMap((text) => text.split(",").map((each) => each.trim())).filter((each) => each !== "");
}

/** The endpoint that has served the request; undefined: nothing is said. */
export function servedIn(metadata: Metadata): string | undefined {
  return metadata?.get(DESTINATION_NAMESPACE)?.get(SERVED)?.[0];
}

export function poolNameIn(metadata: Metadata): string | undefined {
  return metadata?.get(POOL_NAMESPACE)?.get(POOL_KEY)?.[0];
}
