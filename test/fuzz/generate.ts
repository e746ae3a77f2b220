/**
 * Random request and response streams: mostly right, with everything that is odd but allowed, and lines from the
 * smuggler's cookbook. What is wrong on purpose comes from `mutate.ts`.
 */
import type { Prng } from "../../src/std/prng.ts";

export function oneOf<T>(prng: Prng, choices: readonly T[]): T {
  return choices[prng.below(choices.length)]!;
}

export function chance(prng: Prng, probability: number): boolean {
  return prng.float() < probability;
}

const METHODS = ["GET", "GET", "POST", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE"];
const TARGETS = [
  "/",
  "/a/b.c",
  "/a?b=c&d",
  "//a",
  "/?",
  "/%2f%41",
  "/{|}~!$&'()*+,;=:@\"<>^`",
  "/a?/../b\\c",
  "/.well-known/a",
  "http://a",
  "http://a/b?c",
  "http://a?b",
  "HTTP://A:80/",
];
const HOSTS = ["a", "a", "a", "A.b-c_d.e:8080", "[::1]:80", "127.0.0.1", "a.:", ""];

/** Fields without a say in framing. */
const FIELDS = [
  "Accept: */*",
  "A:b",
  "a: \t c \t",
  "Empty:",
  "!#$%&'*+-.^_`|~: 1",
  "X-High: \x80\xe9\xff",
  "Cookie: a=b; c=d",
  'Quoted: "a\\"b',
  "X_Under_Score: 1",
  "Content_Length: 5",
  "Transfer_Encoding: chunked",
  "X-Content-Length: 7",
  "Content-Encoding: chunked",
  "X: Content-Length: 3",
  "TE: trailers, chunked",
  "Trailer: A",
  "Keep-Alive: timeout=5",
  "X-Forwarded-For: 1.2.3.4, 5.6.7.8",
  "X-Forwarded-Proto: https",
  "X-Request-Id: abc",
  "Forwarded: for=a",
  "Date: Sun, 22 Nov 2026 10:00:00 GMT",
  "Connection: keep-alive",
  "Connection: keep-alive, x, Cookie",
  "Connection: close",
  "Connection: a\t,, keep-alive ,",
];

/** Lines that frame, rightly or not: what a mutation adds, or a generated message has beside its own. */
export const FRAMING_LINES: readonly string[] = [
  "Content-Length: 0",
  "Content-Length: 3",
  "Content-Length:3",
  "content-length: \t3\t ",
  "Content-Length: 03",
  "Content-Length: +3",
  "Content-Length: 3, 3",
  "Content-Length: 0x3",
  "Content-Length : 3",
  "Content-Length: 3\x0b",
  "Content-Length:",
  "Content-Length: 99999999999999999999",
  "Transfer-Encoding: chunked",
  "transfer-encoding:CHUNKED",
  "Transfer-Encoding: \tchunked \t",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding: xchunked",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding:",
  "Transfer-Encoding:\r\n chunked",
  "X: y\nTransfer-Encoding: chunked",
  "X: y\rContent-Length: 3",
  "Connection: Content-Length",
  "Connection: Upgrade\r\nUpgrade: websocket",
  "Connection: Upgrade\r\nUpgrade: h2c",
  "Expect: 100-continue",
  "Host: b",
];

const BODIES = [
  "",
  "x",
  "abc",
  "0\r\n\r\n",
  "\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "\0\xff\r\n\n\r",
  "5\r\nhello\r\n",
];
const SIZES = ["", "", "", "0", "000"];
const EXTENSIONS = ["", "", "", "", ";a", ";a=b", ';a="b;\\"\t\xe9"', ";a;b=c", ";0", ';a=""'];
const BAD_EXTENSIONS = [
  ";",
  "; a",
  " ;a",
  ";a ",
  ";a=",
  ";a\nb",
  ";a\rb",
  ";\n",
  ';a="\n"',
  ';a="b',
  "\t",
  ";\xe9",
];
const TRAILERS = [
  "",
  "",
  "",
  "A: b\r\n",
  "A:\r\nB: \xe9 \r\n",
  "Host: b\r\n",
  "Content-Length: 3\r\n",
  "A : b\r\n",
];

export function requestStream(prng: Prng): Buffer {
  let text = "";
  for (let left = 1 + prng.below(3); left > 0; left--) text += request(prng);
  return Buffer.from(text, "latin1");
}

function request(prng: Prng): string {
  const target = oneOf(prng, TARGETS);
  const authority = /^http:\/\/([^/?]*)/i.exec(target)?.[1];
  const method = chance(prng, 0.02) ? oneOf(prng, ["BREW", "get", "CONNECT"]) : oneOf(prng, METHODS);
  const version = chance(prng, 0.1) ? "HTTP/1.0" : "HTTP/1.1";
  const fields = [`Host: ${authority ?? oneOf(prng, HOSTS)}`, ...someFields(prng)];
  const body = framed(prng, fields, version === "HTTP/1.1", ["none", "none", "length", "chunks"]);
  const before = chance(prng, 0.05) ? "\r\n" : "";
  return `${before}${method} ${target} ${version}\r\n${section(prng, fields)}\r\n${body}`;
}

/** Interim and final responses to requests of these methods. */
export function responseStream(prng: Prng, methods: readonly string[]): Buffer {
  let text = "";
  for (const method of methods) {
    while (chance(prng, 0.15)) {
      text += `HTTP/1.1 ${oneOf(prng, ["100 Continue", "103 Early Hints", "102 "])}\r\n${section(prng, someFields(prng))}\r\n`;
    }
    text += response(prng, method);
  }
  return Buffer.from(text, "latin1");
}

const STATUSES = [
  "200 OK",
  "200 OK",
  "200 OK",
  "206 Some",
  "404 Not Found",
  "500 ",
  "200",
  "200 \xe9\t ",
  "999 x",
];
const BODILESS = ["204 No Content", "304 Not Modified"];

function response(prng: Prng, method: string): string {
  if (chance(prng, 0.03)) {
    return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${oneOf(prng, ["websocket", "h2c"])}\r\n\r\n`;
  }
  const bodiless = chance(prng, 0.15);
  const status = oneOf(prng, bodiless ? BODILESS : STATUSES);
  const version = chance(prng, 0.1) ? "HTTP/1.0" : "HTTP/1.1";
  const fields = someFields(prng);
  const framings = status.startsWith("204") ? ["none"] : ["none", "length", "length", "chunks"];
  const body = framed(prng, fields, version === "HTTP/1.1", framings);
  return `${version} ${status}\r\n${section(prng, fields)}\r\n${bodiless || method === "HEAD" ? "" : body}`;
}

function someFields(prng: Prng): string[] {
  return Array.from({ length: prng.below(5) }, () => oneOf(prng, FIELDS));
}

/** The field lines in some order, some in another case, seldom with one too many. */
function section(prng: Prng, fields: readonly string[]): string {
  const lines = [...fields];
  if (chance(prng, 0.1)) lines.push(oneOf(prng, FRAMING_LINES));
  if (chance(prng, 0.3)) lines.sort(() => prng.float() - 0.5);
  return lines.map((line) => `${chance(prng, 0.1) ? otherCase(line) : line}\r\n`).join("");
}

function otherCase(line: string): string {
  const colon = line.indexOf(":");
  return line.slice(0, colon).toUpperCase() + line.slice(colon);
}

/** Adds the field that frames, and returns the body in that frame. */
function framed(prng: Prng, fields: string[], mayChunk: boolean, framings: readonly string[]): string {
  const framing = oneOf(prng, framings);
  const body = oneOf(prng, BODIES);
  if (framing === "none") return "";
  if (framing === "length" || !mayChunk) {
    fields.push(`Content-Length: ${body.length}`);
    return body;
  }
  fields.push("Transfer-Encoding: chunked");
  let chunks = "";
  for (let left = prng.below(3); left > 0; left--) chunks += chunk(prng, oneOf(prng, BODIES.slice(1)));
  const last = `${oneOf(prng, ["0", "0", "00000"])}${extension(prng)}`;
  return `${chunks}${last}\r\n${oneOf(prng, TRAILERS.slice(0, chance(prng, 0.1) ? undefined : 5))}\r\n`;
}

function chunk(prng: Prng, data: string): string {
  const size = data.length.toString(16);
  const digits = oneOf(prng, SIZES) + (chance(prng, 0.5) ? size.toUpperCase() : size);
  return `${digits}${extension(prng)}\r\n${data}\r\n`;
}

function extension(prng: Prng): string {
  return oneOf(prng, chance(prng, 0.05) ? BAD_EXTENSIONS : EXTENSIONS);
}
