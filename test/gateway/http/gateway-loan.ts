/**
 * Gateways lent to one test after another, because starting one costs some 200 ms and rewriting its manifests 10.
 *
 * Between two tests the manifests name no endpoint, so that nothing learnt of pools outlives a test; counters and the
 * access log go on, and a loan counts from where they stood. A loan must come back at rest: every claim settled, every
 * client's connection gone, no defect met.
 */
import { after } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { ClientLimits } from "../../../src/edge/http/limits.ts";
import { startGateway, type AccessRecord, type GatewaySetup, type TestGateway } from "../../kit/gateway.ts";
import { waitUntil } from "../../kit/wait.ts";

interface Lent {
  readonly gateway: TestGateway;
  readonly limits: Partial<ClientLimits>;
}

export interface Loan {
  readonly gateway: TestGateway;
  /** Access lines since the loan began, once there are at least `count`. */
  records(count: number): Promise<readonly AccessRecord[]>;
  end(): Promise<void>;
}

const NOBODY: GatewaySetup = { pools: { nobody: [] } };
const waiting: Lent[] = [];

after(async () => {
  for (const { gateway } of waiting.splice(0)) await gateway[Symbol.asyncDispose]();
});

export async function lendGateway(setup: GatewaySetup, limits: Partial<ClientLimits>): Promise<Loan> {
  const at = waiting.findIndex((each) => isDeepStrictEqual(each.limits, limits));
  const gateway =
    waiting.splice(at, at === -1 ? 0 : 1)[0]?.gateway ?? (await startGateway(NOBODY, { limits }));
  if (!(await gateway.rewrite(setup))) throw new Error("the manifests were rejected");
  // Lines written or still to be written: every line is counted when it is made.
  const before = await sumOf(gateway, "plimsoll_requests_total");
  return {
    gateway,
    records: async (count) => (await gateway.records(before + count)).slice(before),
    end: async () => {
      const open = (): readonly number[] => [
        claims(gateway),
        permits(gateway),
        gateway.running.gateway.connectionCount,
      ];
      const isAtRest = (): boolean => open().every((count) => count === 0);
      const remains = (): string => `claims, permits and connections remain: ${open().join()}`;
      try {
        await waitUntil(isAtRest, remains);
        // A stopped gateway answers no questions, and is not lent again.
        if (gateway.running.gateway.draining) return await gateway[Symbol.asyncDispose]();
        if ((await sumOf(gateway, "plimsoll_defects_total")) > 0)
          throw new Error("a defect ended an exchange");
        await gateway.rewrite(NOBODY);
        waiting.push({ gateway, limits });
      } catch (error) {
        await gateway[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

/** Claims that are open on any endpoint. */
export function claims({ running: { gateway } }: TestGateway): number {
  let sum = 0;
  for (const pool of gateway.view.pools.values()) {
    for (const endpoint of pool.brain.report(gateway.clock())) sum += endpoint.inFlight;
  }
  return sum;
}

/** Permits to be under way, places in a queue and counted retries. */
function permits({ running: { gateway } }: TestGateway): number {
  const pools = [...gateway.view.pools.values()];
  return pools.reduce(
    (sum, { admission, retries }) => sum + admission.underWay + admission.waiting + retries.underWay,
    0,
  );
}

/** All samples of a family on the metrics page together. */
async function sumOf({ adminPort }: TestGateway, family: string): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  const samples = page.matchAll(new RegExp(`^${family}(?:{.*})? ([0-9]+)$`, "gm"));
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
}
