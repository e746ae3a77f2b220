/**
 * The stage of these tests: endpoints, a real gateway in front of them, and what is asked of it over and over.
 *
 * `await using stage = await setStage(...)` first, clients after it: they go first when the test ends, so that the
 * gateway has nothing to drain. An endpoint that met a malformed request fails the test by itself.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { ClientLimits } from "../../../src/edge/http/limits.ts";
import { REFUSALS, type Refusal } from "../../../src/model/refusal.ts";
import { startEndpoint, type TestEndpoint } from "../../kit/endpoint.ts";
import type { Behaviour, Exchange } from "../../kit/exchange.ts";
import { claims, lendGateway } from "./gateway-loan.ts";
import type { AccessRecord, TestGateway } from "../../kit/gateway.ts";
import { exchangeOnce, rawClient, type RawClient, type RawResponse } from "../../kit/raw-client.ts";
import { waitUntil } from "../../kit/wait.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface StageOptions {
  /** Members of the pool beside the endpoints, where nobody need listen. */
  readonly others?: readonly Address[];
  /** Further pools. */
  readonly pools?: Readonly<Record<string, readonly Address[]>>;
  readonly policy?: object;
  readonly rules?: readonly object[];
  /** More documents beside these. */
  readonly more?: readonly object[];
  readonly limits?: Partial<ClientLimits>;
}

export interface Stage {
  readonly gateway: TestGateway;
  readonly port: number;
  /** The first of the endpoints. */
  readonly endpoint: TestEndpoint;
  readonly endpoints: readonly TestEndpoint[];
  client(): Promise<RawClient>;
  /** One request on a connection of its own. */
  ask(bytes: string | Buffer, method?: string): Promise<RawResponse>;
  /** Access lines of this stage, once there are at least `count`. */
  records(count: number): Promise<readonly AccessRecord[]>;
  /** The access line of the only request so far. */
  record(): Promise<AccessRecord>;
  /** Claims that are open on any endpoint. */
  inFlight(): number;
  /** Resolves once no claim is open. */
  settled(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** One pool, `pool`, with an endpoint for each behaviour. */
export async function setStage(
  behaviours: Behaviour | readonly Behaviour[],
  options: StageOptions = {},
): Promise<Stage> {
  const list = typeof behaviours === "function" ? [behaviours] : behaviours;
  const endpoints = await Promise.all(list.map((behaviour) => startEndpoint(behaviour)));
  const { limits = {}, others = [], pools = {}, ...rest } = options;
  const setup = { pools: { pool: [...endpoints, ...others], ...pools }, ...rest };
  const loan = await lendGateway(setup, limits);
  const { gateway } = loan;
  const inFlight = (): number => claims(gateway);
  return {
    gateway,
    port: gateway.port,
    endpoint: endpoints[0]!,
    endpoints,
    client: () => rawClient(gateway.port),
    ask: (bytes, method = "GET") => exchangeOnce(gateway.port, bytes, { method }),
    records: (count) => loan.records(count),
    record: async () => {
      const lines = await loan.records(1);
      assert.equal(lines.length, 1, "more than one access line");
      return lines[0]!;
    },
    inFlight,
    settled: () =>
      waitUntil(
        () => inFlight() === 0,
        () => `${inFlight()} claims are still open`,
      ),
    [Symbol.asyncDispose]: async () => {
      await loan.end();
      for (const endpoint of endpoints) await endpoint.close();
    },
  };
}

/** A request without a body. `fields` are whole lines without their line end. */
export function get(target = "/", ...fields: readonly string[]): string {
  return request("GET", target, ...fields);
}

export function request(method: string, target: string, ...fields: readonly string[]): string {
  return `${[`${method} ${target} HTTP/1.1`, "Host: a.test", ...fields].join("\r\n")}\r\n\r\n`;
}

/** A request with a body of stated length. */
export function post(body: string, method = "POST", ...fields: readonly string[]): string {
  return request(method, "/", `Content-Length: ${Buffer.byteLength(body)}`, ...fields) + body;
}

/** That the response is this refusal, in every respect that is promised of all refusals. */
export function assertRefused(
  response: RawResponse,
  refusal: Refusal,
  connection: "kept" | "closed" = "kept",
  method = "GET",
): void {
  assert.deepEqual([response.status, refusalOf(response)], [REFUSALS[refusal].status, refusal]);
  assert.equal(response.header("connection"), connection === "kept" ? undefined : "close");
  assert.equal(response.header("content-type"), "text/plain; charset=utf-8");
  assert.match(response.header("date") ?? "", /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
  assert.match(response.header("x-request-id") ?? "", /^[\w.-]+$/);
  if (method === "HEAD")
    assert.ok(response.body.length === 0 && Number(response.header("content-length")) > 0);
  else assert.ok(response.text.startsWith(`${refusal}: ${REFUSALS[refusal].meaning}`), response.text);
}

/** The refusal's public name, as its client sees it. */
export function refusalOf(response: RawResponse): string | undefined {
  return response.header("x-plimsoll-refusal");
}

/** The value of one sample on the metrics page; its labels as they are written there. */
export async function metric(gateway: TestGateway, sample: string): Promise<number> {
  const page = await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`);
  const line = (await page.text()).split("\n").find((each) => each.startsWith(`${sample} `));
  assert.ok(line, `no sample ${sample}`);
  return Number(line.slice(sample.length + 1));
}

/** Waits until a figure has not moved for `restMs`: whoever moves it is held back. */
export async function atRest(figure: () => number, restMs = 100): Promise<number> {
  let last = -1;
  let sinceMs = Date.now();
  await waitUntil(() => {
    if (figure() !== last) [last, sinceMs] = [figure(), Date.now()];
    return Date.now() - sinceMs > restMs;
  }, "the figure comes to rest");
  return last;
}

/** Holds behaviours back until the test opens it; or until their client leaves. */
export function closedGate(): {
  readonly open: () => void;
  readonly before: (behaviour: Behaviour) => Behaviour;
} {
  const { promise, resolve } = Promise.withResolvers<void>();
  const before =
    (behaviour: Behaviour): Behaviour =>
    async (exchange) => {
      await Promise.race([promise, goneOf(exchange)]);
      await behaviour(exchange);
    };
  return { open: resolve, before };
}

async function goneOf({ gone }: Exchange): Promise<void> {
  if (!gone.aborted) await once(gone, "abort");
}
