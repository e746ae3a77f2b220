/**
 * A gateway that is asked for reasons: two pools behind a split, endpoints that answer, the admin port, and the command.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { PastDecision } from "../../src/app/explain-decision.ts";
import type { RequestExplanation } from "../../src/app/explain-request.ts";
import { answer } from "../kit/behaviours.ts";
import { startEndpoint, type TestEndpoint } from "../kit/endpoint.ts";
import { startGateway, type AccessRecord, type GatewaySetup, type TestGateway } from "../kit/gateway.ts";
import { exchangeOnce } from "../kit/raw-client.ts";

export interface LoggedExchange extends AccessRecord {
  readonly requestId: string;
  readonly pool: string;
  readonly attempts: readonly (AccessRecord["attempts"][number] & { readonly decision: number })[];
}

export interface Sent {
  readonly status: number;
  /** Undefined before the first. */
  readonly last: PastDecision | undefined;
}

export interface ExplainStage {
  readonly gateway: TestGateway;
  readonly endpoints: readonly TestEndpoint[];
  readonly admin: string;
  /** Of an admin page; the answer must be 200. */
  json<T>(path: string): Promise<T>;
  explain(request: string): Promise<RequestExplanation>;
  /** One request through the gateway: the answer's status, and the decision that was made last. */
  send(target?: string, host?: string): Promise<Sent>;
  /** Of the requests so far, once all are written. */
  logged(): Promise<readonly LoggedExchange[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Of a rule for each of two pools, `left` 70 and `right` 30. */
export const SPLIT = [
  {
    backendRefs: [
      { name: "left", port: 80, weight: 70 },
      { name: "right", port: 80, weight: 30 },
    ],
  },
];

export async function startEndpoints(count: number): Promise<readonly TestEndpoint[]> {
  return Promise.all(Array.from({ length: count }, () => startEndpoint(answer("fine"))));
}

/** `endpoints` are closed with the stage unless they are `lent`. */
export async function explainStage(
  endpoints: readonly TestEndpoint[],
  setup: GatewaySetup,
  lent = false,
): Promise<ExplainStage> {
  const close = async (): Promise<void> => {
    if (!lent) for (const endpoint of endpoints) await endpoint.close();
  };
  const gateway = await startGateway(setup).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const admin = `http://127.0.0.1:${gateway.adminPort}`;
  let sent = 0;
  const json = async <T>(path: string): Promise<T> => {
    const response = await fetch(admin + path);
    const body = await response.text();
    assert.equal(response.status, 200, body);
    return JSON.parse(body) as T;
  };
  return {
    gateway,
    endpoints,
    admin,
    json,
    explain: (request) =>
      json(`/debug/explain?${new URLSearchParams({ request, port: String(gateway.port) }).toString()}`),
    send: async (target = "/", host = "a.test") => {
      const bytes = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      const { status } = await exchangeOnce(gateway.port, bytes);
      sent++;
      const { decisions } = await json<{ decisions: readonly PastDecision[] }>("/debug/decisions?count=1");
      return { status, last: decisions[0] };
    },
    logged: async () => (await gateway.records(sent)) as readonly LoggedExchange[],
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
      await close();
    },
  };
}

export interface CommandResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** `plimsoll explain ...` as a process of its own. */
export async function command(...args: readonly string[]): Promise<CommandResult> {
  const main = join(import.meta.dirname, "../../src/cli/main.ts");
  const child = spawn(process.execPath, [main, "explain", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, out, err };
}
