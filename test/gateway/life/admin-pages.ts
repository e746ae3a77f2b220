/**
 * What the admin port says, for tests: a page, one metric, the configuration's fate.
 */
import assert from "node:assert/strict";
import { exchangeOnce } from "../../kit/raw-client.ts";

export async function adminPage(port: number, path: string): Promise<{ status: number; text: string }> {
  const request = `GET ${path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n`;
  const { status, text } = await exchangeOnce(port, request);
  return { status, text };
}

/** The value of the series, named as Prometheus text writes it, labels included. */
export async function metric(port: number, series: string): Promise<number> {
  const { text } = await adminPage(port, "/metrics");
  const line = text.split("\n").find((each) => each.startsWith(`${series} `));
  assert.ok(line !== undefined, `no series ${series} in\n${text}`);
  return Number(line.slice(series.length + 1));
}

export interface ConfigPage {
  readonly accepted: { readonly epoch: number; readonly problems: readonly ConfigProblem[] } | null;
  readonly rejected: { readonly problems: readonly ConfigProblem[] } | null;
}

interface ConfigProblem {
  readonly severity: string;
  readonly file: string;
  readonly message: string;
}

export async function configPage(port: number): Promise<ConfigPage> {
  return JSON.parse((await adminPage(port, "/debug/config")).text) as ConfigPage;
}

export interface PoolsPage {
  readonly pools: readonly {
    readonly key: string;
    readonly policy: string;
    readonly endpoints: readonly {
      readonly key: string;
      readonly state: string;
      readonly inFlight: number;
      readonly connections: { readonly active: number; readonly idle: number };
    }[];
  }[];
}

export async function poolsPage(port: number): Promise<PoolsPage> {
  return JSON.parse((await adminPage(port, "/debug/pools")).text) as PoolsPage;
}
