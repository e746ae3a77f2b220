/**
 * A request as people describe it, read the way the gateway reads requests: by the parser of the data path.
 *
 * `GET http://shop.example/cart?x=1`, or `GET /cart` with a Host among the headers; the method may be left out (GET). What
 * the data path would refuse is refused here with the same words, and nothing else is.
 */
import type { AskedRequest } from "../../app/explain-request.ts";
import { REFUSALS } from "../../model/refusal.ts";
import { RequestHead } from "../http/wire/request-head.ts";

export interface RequestDescription {
  readonly request: string;
  /** Each `Name: value`. */
  readonly headers: readonly string[];
  /** That it comes to; undefined: the URL's, or the only one there is. */
  readonly port: number | undefined;
  /** The client's address; undefined: CLIENT_DEFAULT. */
  readonly client: string | undefined;
}

export type Described = { readonly kind: "request"; readonly asked: AskedRequest } | Misdescribed;

export interface Misdescribed {
  readonly kind: "malformed";
  readonly error: string;
  readonly expected: string;
}

/** Whoever asks is on this machine as a rule. */
const CLIENT_DEFAULT = "127.0.0.1";

const REQUEST = /^(?:([^\s:/]+) +)?(\S+?)(?: +HTTP\/1\.[01])?$/;
const ABSOLUTE = /^http:\/\/([^/?#]+)([^#]*)(?:#.*)?$/i;
const HEADER = /^[!#$%&'*+.^_`|~\w-]+:[^\r\n\0]*$/;
const REQUEST_FORM = "METHOD http://HOST/PATH, such as GET http://shop.example/cart?x=1";

/** `ports`: those that are listened on. */
export function describeRequest(description: RequestDescription, ports: readonly number[]): Described {
  const { request, headers, client } = description;
  const line = REQUEST.exec(request.trim());
  if (line === null) return malformed(`cannot read the request ${JSON.stringify(request)}`, REQUEST_FORM);
  const bad = headers.find((header) => !HEADER.test(header));
  if (bad !== undefined) return malformed(`cannot read the header ${JSON.stringify(bad)}`, "NAME: VALUE");

  const method = line[1] ?? "GET";
  const url = line[2]!;
  const absolute = ABSOLUTE.exec(url);
  const hosted = headers.some((header) => /^host:/i.test(header));
  if (absolute === null && !url.startsWith("/") && url !== "*") {
    const error = /^https:/i.test(url)
      ? "listeners are plain HTTP: https is ended before them"
      : `cannot read the URL ${JSON.stringify(url)}`;
    return malformed(error, REQUEST_FORM);
  }
  if (absolute === null && !hosted) return malformed("the request names no host", REQUEST_FORM);
  const port = choosePort(description.port, absolute?.[1], ports);
  if (typeof port !== "number") return port;

  const rest = absolute?.[2] ?? url;
  const target = rest.startsWith("/") || rest === "*" ? rest : `/${rest}`;
  const lines = [`${method} ${target} HTTP/1.1`, ...(hosted ? [] : [`Host: ${absolute![1]}`]), ...headers];
  return readHead(`${lines.join("\r\n")}\r\n\r\n`, port, client ?? CLIENT_DEFAULT);
}

function readHead(text: string, port: number, address: string): Described {
  const buffer = Buffer.from(text);
  const head = new RequestHead();
  if (head.parse(buffer, 0, buffer.length) <= 0) {
    const { refusal, fault } = head;
    return malformed(
      `the gateway would refuse this request with ${REFUSALS[refusal].status} ${refusal}: ${fault}`,
      "a request that RFC 9112 allows",
    );
  }
  const { method, host, path, query, target } = head;
  const header = (name: string): string | undefined => head.header(name);
  return { kind: "request", asked: { method, host, path, query, target, header, port, address } };
}

/** Said, else the URL's, else 80 where that is listened on, else the only one. */
function choosePort(
  said: number | undefined,
  authority: string | undefined,
  ports: readonly number[],
): number | Misdescribed {
  const written = /:([0-9]{1,5})$/.exec(authority ?? "")?.[1];
  const wanted = said ?? (written === undefined ? undefined : Number(written));
  const known = `one of ${ports.join(", ")}`;
  if (wanted !== undefined) {
    if (ports.includes(wanted)) return wanted;
    const where = said === undefined ? " (the URL's; --port names another)" : "";
    return malformed(`nothing listens on port ${wanted}${where}`, ports.length === 0 ? "a listener" : known);
  }
  if (ports.includes(80)) return 80;
  if (ports.length === 1) return ports[0]!;
  return malformed(
    ports.length === 0 ? "nothing is listened on" : "there are several ports; say to which one it comes",
    ports.length === 0 ? "a listener" : known,
  );
}

function malformed(error: string, expected: string): Misdescribed {
  return { kind: "malformed", error, expected };
}
