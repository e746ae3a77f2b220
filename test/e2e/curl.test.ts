/**
 * curl through the real gateway: the ways in which people and scripts call HTTP servers.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  answer,
  byPath,
  echo,
  events,
  hugeBody,
  sendAnswer,
  withInterim,
  type Echoed,
} from "../kit/behaviours.ts";
import { startEndpoint, type TestEndpoint } from "../kit/endpoint.ts";
import { patternAt } from "../kit/pattern.ts";
import { startProcess, type PlimsollProcess } from "../gateway/life/process.ts";
import { findProgram, runProgram, skipWithout, type Finished } from "./programs.ts";

const CURL = findProgram("curl");
const skip = skipWithout(CURL, "curl");

const scratch = mkdtempSync(join(tmpdir(), "plimsoll-curl-"));
let endpoint: TestEndpoint;
let plimsoll: PlimsollProcess;

before(async () => {
  endpoint = await startEndpoint(
    byPath({
      "/echo": echo(),
      "/missing": answer({ status: 404, reason: "Not Found", body: "nothing here" }),
      "/gzip": answer({ fields: [["Content-Encoding", "gzip"]], body: gzipSync("unpacked by curl") }),
      "/big": hugeBody({ bytes: 3_000_000, framing: "chunked" }),
      "/until-close": answer({ body: "the end is the close", framing: "close" }),
      "/events": events({ count: 5, intervalMs: 100 }),
      "/trailers": answer({ framing: "chunked", chunks: ["a", "b"], trailers: [["X-Sum", "2"]] }),
      "/continue": withInterim([{ status: 100, reason: "Continue" }], async (exchange) => {
        const { length } = await exchange.readBody();
        await sendAnswer(exchange, { body: String(length) });
      }),
    }),
  );
  plimsoll = await startProcess({ pools: { web: [endpoint] } });
});

after(async () => {
  await plimsoll[Symbol.asyncDispose]();
  await endpoint.close();
  rmSync(scratch, { recursive: true });
});

/** `curl -sS ARGS http://gateway/PATH`; fails unless it exits with 0. */
async function curl(path: string, ...args: readonly string[]): Promise<Finished> {
  const url = `http://127.0.0.1:${plimsoll.port}${path}`;
  const finished = await runProgram(CURL!, ["-sS", "--max-time", "15", ...args, url]);
  assert.equal(finished.code, 0, finished.stderr);
  return finished;
}

async function echoOf(path: string, ...args: readonly string[]): Promise<Echoed> {
  return JSON.parse((await curl(path, ...args)).stdout) as Echoed;
}

test("GET, with query and header; the status is the endpoint's", { skip }, async () => {
  const { method, target, fields } = await echoOf("/echo?a=1&b=%20", "-H", "X-Own: yes");
  assert.deepEqual([method, target], ["GET", "/echo?a=1&b=%20"]);
  assert.ok(fields.some(([name, value]) => name.toLowerCase() === "x-own" && value === "yes"));
  const { stdout } = await curl("/missing", "-w", " %{http_code} %{http_version}");
  assert.equal(stdout, "nothing here 404 1.1");
});

test("two requests share a connection", { skip }, async () => {
  const url = `http://127.0.0.1:${plimsoll.port}/missing`;
  const { stdout } = await curl(
    "/missing",
    "-o",
    "/dev/null",
    "-w",
    "%{num_connects} ",
    url,
    "-o",
    "/dev/null",
  );
  assert.equal(stdout, "1 0 ");
});

test("POST of a form, of a file in chunks, and of nothing", { skip }, async () => {
  assert.equal((await echoOf("/echo", "-d", "a=1&b=2")).body, "a=1&b=2");
  const file = join(scratch, "small");
  writeFileSync(file, "x".repeat(5_000));
  const chunked = await echoOf("/echo", "-H", "Transfer-Encoding: chunked", "--data-binary", `@${file}`);
  assert.equal(chunked.body.length, 5_000);
  assert.equal((await echoOf("/echo", "-X", "POST", "-d", "")).method, "POST");
});

test("upload of 5 MB with Expect: 100-continue arrives whole", { skip }, async () => {
  const file = join(scratch, "upload");
  writeFileSync(file, Buffer.alloc(5_000_000, 7));
  const { stdout, stderr } = await curl("/continue", "-v", "-H", "Expect: 100-continue", "-T", file);
  assert.equal(stdout, "5000000");
  assert.match(stderr, /HTTP\/1\.1 100/);
});

test("HTTP/1.0, with and without keep-alive, also for a chunked answer", { skip }, async () => {
  const plain = await curl("/missing", "-0", "-i");
  assert.match(plain.stdout, /^HTTP\/1\.1 404 [^]*nothing here$/);
  const { stdout } = await curl("/big", "-0", "-o", "/dev/null", "-w", "%{size_download}");
  assert.equal(stdout, "3000000");
  const keep = await curl("/missing", "-0", "-i", "-H", "Connection: keep-alive");
  assert.match(keep.stdout, /\r\nConnection: keep-alive\r\n/i);
});

test("HEAD has the head of GET and no body", { skip }, async () => {
  const { stdout } = await curl("/missing", "-I");
  assert.match(stdout, /^HTTP\/1\.1 404 Not Found\r\n[^]*Content-Length: 12\r\n[^]*\r\n\r\n$/i);
});

test("--compressed is between curl and the endpoint", { skip }, async () => {
  assert.equal((await curl("/gzip", "--http1.1", "--compressed")).stdout, "unpacked by curl");
});

test("a body that ends with the connection, and trailers", { skip }, async () => {
  assert.equal((await curl("/until-close")).stdout, "the end is the close");
  const { stdout } = await curl("/trailers", "--raw", "-H", "TE: trailers");
  assert.match(stdout, /0\r\nX-Sum: 2\r\n\r\n$/);
});

test("a slow reader (--limit-rate) gets every byte", { skip }, async () => {
  const file = join(scratch, "slow");
  await curl("/big", "--limit-rate", "1500k", "-o", file);
  assert.equal(statSync(file).size, 3_000_000);
  const body = readFileSync(file);
  for (let at = 0; at < body.length; at += 65_536) {
    const piece = body.subarray(at, at + 65_536);
    assert.ok(piece.equals(patternAt(at, piece.length)), `bytes after ${at}`);
  }
});

test("server-sent events come one by one (-N)", { skip }, async () => {
  const { stdout } = await curl("/events", "-N", "-w", "%{time_starttransfer} %{time_total}");
  assert.match(stdout, /^(data: \d\n\n){5}/);
  const [first = 0, total = 0] = (stdout.split("\n").at(-1) ?? "").split(" ").map(Number);
  assert.ok(total - first > 0.3, `first byte after ${first} s, all after ${total} s`);
});

test("a refusal names itself", { skip }, async () => {
  const { stdout } = await curl("/", "-H", "Host: a b", "-w", "%{http_code}");
  assert.match(stdout, /bad-request[^]*400$/);
});
