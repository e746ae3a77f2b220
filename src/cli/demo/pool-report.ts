/**
 * What the gateway's admin says of its pools: GET /debug/pools, read into the few fields that the demo shows.
 *
 * Anything that does not fit is left out rather than believed: the demo goes on with dashes.
 */
import { get } from "node:http";

export interface ReportedEndpoint {
  readonly state: string;
  readonly inFlight: number;
}

/** By the endpoint's port on loopback. */
export type PoolReport = ReadonlyMap<number, ReportedEndpoint>;

const ANSWER_WITHIN_MS = 900;

export function parsePools(text: string, poolKey: string): PoolReport {
  const report = new Map<number, ReportedEndpoint>();
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return report;
  }
  const pools = listIn(document, "pools");
  const pool = pools.find((candidate) => field(candidate, "key") === poolKey);
  for (const endpoint of listIn(pool, "endpoints")) {
    const port = Number(String(field(endpoint, "key")).split(":").at(-1));
    const state = field(endpoint, "state");
    const inFlight = field(endpoint, "inFlight");
    if (Number.isInteger(port) && typeof state === "string") {
      report.set(port, { state, inFlight: typeof inFlight === "number" ? inFlight : 0 });
    }
  }
  return report;
}

/** Undefined where the admin did not answer. */
export function fetchPools(
  host: string,
  adminPort: number,
  poolKey: string,
): Promise<PoolReport | undefined> {
  return new Promise((resolve) => {
    const request = get(
      { host, port: adminPort, path: "/debug/pools", timeout: ANSWER_WITHIN_MS, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => (text += part));
        response.once("end", () => resolve(parsePools(text, poolKey)));
        response.once("error", () => resolve(undefined));
      },
    );
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(undefined));
  });
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function listIn(value: unknown, name: string): readonly unknown[] {
  const list = field(value, name);
  return Array.isArray(list) ? list : [];
}
