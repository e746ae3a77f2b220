/**
 * What requests and answers say to the brain: the key that decides the endpoint, and endpoints' reports of their load.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer } from "../../kit/behaviours.ts";
import type { Field } from "../../kit/message.ts";
import { get, setStage, type Stage } from "./stage.ts";

async function servedBy(stage: Stage, ...requests: readonly string[]): Promise<readonly string[]> {
  const bodies: string[] = [];
  for (const request of requests) bodies.push((await stage.ask(request)).text);
  return bodies;
}

function named(count: number): ReturnType<typeof answer>[] {
  return Array.from({ length: count }, (_, index) => answer(`e${index}`));
}

function hashed(by: object): object {
  return { balancing: { policy: "ConsistentHash", consistentHash: by } };
}

test("ConsistentHash by header: one key, one endpoint; many keys, many endpoints", async () => {
  await using stage = await setStage(named(4), { policy: hashed({ header: "x-user" }) });
  const ann = await servedBy(stage, ...Array.from({ length: 6 }, () => get("/", "X-User: ann")));
  assert.equal(new Set(ann).size, 1, ann.join());
  const users = Array.from({ length: 32 }, (_, n) => get("/", `X-User: user-${n}`));
  assert.equal(new Set(await servedBy(stage, ...users)).size, 4);
});

test("ConsistentHash by cookie, path and source address", async () => {
  for (const [by, same] of [
    [{ cookie: "sid" }, (n: number) => get(`/${n}`, "Cookie: a=1; sid=abc")],
    [{ path: {} }, (n: number) => get(`/cart?n=${n}`)],
    [{ sourceIp: {} }, (n: number) => get(`/${n}`)],
  ] as const) {
    await using stage = await setStage(named(4), { policy: hashed(by) });
    const bodies = await servedBy(stage, ...Array.from({ length: 8 }, (_, n) => same(n)));
    assert.equal(new Set(bodies).size, 1, `${JSON.stringify(by)}: ${bodies.join()}`);
  }
});

test("load reports decide where requests go, and do not go to the client", async () => {
  const reporting = (name: string, latencyMs: number): ReturnType<typeof answer> => {
    const fields: readonly Field[] = [["Endpoint-Load-Metrics", `TEXT rif=2, latency_ms=${latencyMs}`]];
    return answer({ body: name, fields });
  };
  await using stage = await setStage([reporting("busy", 400), reporting("idle", 4)], {
    policy: { balancing: { policy: "Prequal" } },
  });
  const first = await stage.ask(get());
  assert.equal(first.header("endpoint-load-metrics"), undefined);
  await servedBy(stage, ...Array.from({ length: 20 }, () => get()));
  const then = await servedBy(stage, ...Array.from({ length: 40 }, () => get()));
  const idle = then.filter((name) => name === "idle").length;
  assert.ok(idle >= 30, `${idle} of 40 went to the idle one`);
});
