/**
 * Hedging on real sockets: a class that allows it gets a second attempt past a slow endpoint, the first good answer
 * counts, and nothing is left open by the other.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, delayed, upgradeEcho } from "../../kit/behaviours.ts";
import type { Behaviour, Exchange } from "../../kit/exchange.ts";
import { closeBeforeAnswer, hang } from "../../kit/misbehaviours.ts";
import { waitUntil } from "../../kit/wait.ts";
import { closedGate, get, metric, request, setStage, type Stage } from "./stage.ts";

const HEDGED = {
  apiVersion: "plimsoll.dev/v1alpha1",
  kind: "WorkloadClass",
  metadata: { name: "hedged" },
  spec: { treatment: { hedging: true } },
};
const POLICY = { balancing: { policy: "RoundRobin" }, circuitBreaker: { maxRequests: 1000 } };

/** Quick answers until the pool knows how long answers take. */
async function warmedUp(count: number, policy: object = {}): Promise<Stage> {
  const stage = await setStage(
    Array.from({ length: count }, () => answer("quick")),
    { policy: { ...POLICY, ...policy }, more: [HEDGED] },
  );
  const { gateway } = stage.gateway.running;
  const pool = gateway.view.pools.get("default/pool:80")!;
  await waitUntil(async () => {
    await stage.ask(get());
    return pool.hedges.delayMs(gateway.clock()) >= 0;
  }, "the pool knows how long answers take");
  return stage;
}

/** The first to be asked does one thing, whoever comes after it another. */
function firstAndRest(stage: Stage, first: Behaviour, rest: Behaviour): void {
  let asked = 0;
  const behaviour = (exchange: Exchange): void | Promise<void> => (asked++ === 0 ? first : rest)(exchange);
  for (const endpoint of stage.endpoints) endpoint.behave(behaviour);
}

async function hedges(stage: Stage, event: string): Promise<number> {
  return metric(stage.gateway, `plimsoll_hedges_total{event="${event}"}`);
}

/** How each attempt of the request for that path ended. */
async function attemptsOf(stage: Stage, path: string): Promise<readonly string[]> {
  let found: readonly string[] | undefined;
  await waitUntil(
    async () => {
      const line = (await stage.records(0)).find((each) => each.path === path);
      found = line?.attempts.map(({ outcome }) => outcome);
      return found !== undefined;
    },
    () => `no access line for ${path}`,
  );
  return found!;
}

test("past a silent endpoint a second one answers, and the first is let go", async () => {
  await using stage = await warmedUp(2);
  const before = await hedges(stage, "won");
  firstAndRest(stage, hang(), answer("rescued"));
  assert.equal((await stage.ask(get("/slow"))).text, "rescued");
  assert.deepEqual(await attemptsOf(stage, "/slow"), ["cancelled", "success"]);
  assert.equal(await hedges(stage, "won"), before + 1);
  await stage.settled();
});

test("if the first answers after all, its answer counts and the second is let go", async () => {
  await using stage = await warmedUp(2);
  const gate = closedGate();
  firstAndRest(stage, gate.before(answer("the first")), hang());
  const asked = stage.ask(get("/slow"));
  await waitUntil(() => stage.inFlight() === 2, "it is hedged");
  gate.open();
  assert.equal((await asked).text, "the first");
  assert.deepEqual((await attemptsOf(stage, "/slow")).toSorted(), ["cancelled", "success"]);
});

test("a hedge that fails harms nothing", async () => {
  await using stage = await warmedUp(2);
  const before = await hedges(stage, "sent");
  firstAndRest(stage, delayed(300, answer("the first")), closeBeforeAnswer("rst"));
  assert.equal((await stage.ask(get("/slow"))).text, "the first");
  assert.equal((await attemptsOf(stage, "/slow")).at(-1), "success");
  assert.equal(await hedges(stage, "sent"), before + 1);
});

test("a hedge that answers with an error is not preferred to waiting", async () => {
  await using stage = await warmedUp(2);
  firstAndRest(stage, delayed(300, answer("the first")), answer({ status: 500, body: "no" }));
  assert.equal((await stage.ask(get("/slow"))).text, "the first");
  assert.deepEqual((await attemptsOf(stage, "/slow")).toSorted(), ["server-error", "success"]);
});

test("when the first fails, the hedge is the attempt", async () => {
  // Nothing else would try again after a reset.
  await using stage = await warmedUp(2, { retries: { attempts: 3, retryOn: "connect-failure" } });
  const gate = closedGate();
  const dies: Behaviour = async (exchange) => {
    await gate.before(() => {})(exchange);
    exchange.reset();
  };
  firstAndRest(stage, dies, delayed(400, answer("the second")));
  const asked = stage.ask(get("/slow"));
  await waitUntil(() => stage.inFlight() === 2, "it is hedged");
  gate.open();
  assert.equal((await asked).text, "the second");
  assert.deepEqual(await attemptsOf(stage, "/slow"), ["refused", "success"]);
});

test("what may not be repeated is not hedged", async () => {
  await using stage = await warmedUp(2);
  const before = await hedges(stage, "not-replayable");
  firstAndRest(stage, delayed(300, answer("slow")), answer("must not be asked"));
  const bytes = request("POST", "/slow", "Content-Length: 4");
  assert.equal((await stage.ask(`${bytes}body`, "POST")).text, "slow");
  assert.deepEqual(await attemptsOf(stage, "/slow"), ["success"]);
  assert.equal(await hedges(stage, "not-replayable"), before + 1);
});

test("where there is no other endpoint nothing is asked twice", async () => {
  await using stage = await warmedUp(1);
  const before = await hedges(stage, "no-other");
  firstAndRest(stage, delayed(300, answer("slow")), answer("asked twice"));
  assert.equal((await stage.ask(get("/slow"))).text, "slow");
  assert.deepEqual(await attemptsOf(stage, "/slow"), ["success"]);
  assert.equal(await hedges(stage, "no-other"), before + 1);
});

test("a tunnel is never hedged", async () => {
  await using stage = await warmedUp(2);
  firstAndRest(stage, delayed(300, upgradeEcho()), answer("INTRUDER"));
  using client = await stage.client();
  const fields = ["Connection: Upgrade", "Upgrade: websocket"];
  await client.send(get("/slow", ...fields));
  assert.equal((await client.readResponse()).status, 101);
  await client.send("hello");
  assert.equal((await client.readBytes(5)).toString(), "hello");
});
