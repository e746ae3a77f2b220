/** Defects while endpoints are probed: told, and probing goes on as if nothing had been. */
import assert from "node:assert/strict";
import http from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { LivePool } from "../../app/live-pool.ts";
import { EMPTY_VIEW } from "../../app/reconcile.ts";
import type { View } from "../../app/view.ts";
import { endpoint, spec } from "../../core/balance/virtual-pool.test.ts";
import { DEFAULT_BALANCING_OPTIONS } from "../../model/balancing.ts";
import { createPrng } from "../../std/prng.ts";
import { LoadProber } from "./load-prober.ts";
import { Prober } from "./prober.ts";

const log = pino({ level: "silent" });
const clock = (): number => performance.now();

/** A pool with one endpoint that answers every request with a report of its load, and how often it was asked. */
async function stage(): Promise<{
  readonly view: View;
  readonly pool: LivePool;
  readonly asked: () => number;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  let asked = 0;
  const server = http.createServer((_request, response) => {
    asked++;
    response.end('{"cpu_utilization": 0.5, "in_flight": 1}');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const probed = { ...endpoint("a"), address: "127.0.0.1", port };
  const probe = { path: "/load", port: undefined };
  const prequal = { ...DEFAULT_BALANCING_OPTIONS.prequal, probe };
  const base = spec([probed], "Prequal", { balancing: { prequal } });
  const httpProbe = { kind: "http", path: "/", port: undefined } as const;
  const healthCheck = { ...base.policy.healthCheck!, intervalMs: 20, probe: httpProbe };
  const policy = { ...base.policy, healthCheck };
  const pool = new LivePool({ ...base, policy }, [], { prng: createPrng(1), localZone: undefined }, 0);
  return {
    view: { ...EMPTY_VIEW, pools: new Map([[pool.key, pool]]) },
    pool,
    asked: () => asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!condition()) {
    assert.ok(performance.now() < endMs, "it goes on");
    await sleep(5);
  }
}

test("load probes go on after a pool has thrown, whether it was asked or told", async () => {
  await using place = await stage();
  const { brain, key } = place.pool;
  const defects: string[] = [];
  let told = 0;
  brain.probesWanted = () => {
    if (defects.length === 0) throw new Error("asked");
    return place.pool.spec.endpoints;
  };
  brain.loadReported = () => {
    if (defects.length === 1) throw new Error("told");
    told++;
  };
  const defect = (error: unknown): void => void defects.push((error as Error).message);
  const counted = (pool: string): void => assert.equal(pool, key);
  const prober = new LoadProber({ clock, log, counted, defect });
  prober.follow(place.view);
  try {
    await until(() => told >= 2);
  } finally {
    prober.close();
  }
  assert.deepEqual(defects, ["asked", "told"]);
});

test("health checks go on after a pool has thrown", async () => {
  await using place = await stage();
  const defects: string[] = [];
  place.pool.brain.checkPassed = () => {
    if (defects.length < 2) throw new Error("passed");
  };
  const defect = (error: unknown): void => void defects.push((error as Error).message);
  const prober = new Prober({ prng: createPrng(1), clock, log, defect });
  prober.follow(place.view);
  try {
    await until(() => place.asked() >= 5);
  } finally {
    prober.close();
  }
  assert.deepEqual(defects, ["passed", "passed"]);
});
