/**
 * Admission on real sockets: who goes at once, who waits and is served, who is turned away and told when to come back.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer } from "../../kit/behaviours.ts";
import { waitUntil } from "../../kit/wait.ts";
import { assertRefused, closedGate, get, metric, post, refusalOf, setStage, type Stage } from "./stage.ts";

/** A class of work for requests that name it in `x-work`. */
function workloadClass(name: string, spec: object): object {
  return {
    apiVersion: "plimsoll.dev/v1alpha1",
    kind: "WorkloadClass",
    metadata: { name },
    spec: { match: [{ headers: [{ name: "x-work", value: name }] }], ...spec },
  };
}

function limitedTo(maxRequests: number, more: object = {}): object {
  return { circuitBreaker: { maxRequests, ...more } };
}

function waiting(stage: Stage): number {
  const pools = [...stage.gateway.running.gateway.view.pools.values()];
  return pools.reduce((sum, pool) => sum + pool.admission.waiting, 0);
}

const queued = (stage: Stage, count: number): Promise<void> =>
  waitUntil(
    () => waiting(stage) === count,
    () => `${waiting(stage)} wait`,
  );

test("at the limit requests wait for their turn, body and all, and are served", async () => {
  const gate = closedGate();
  await using stage = await setStage(gate.before(answer("served")), { policy: limitedTo(1) });
  const first = stage.ask(get("/first"));
  await waitUntil(() => stage.endpoint.requests.length === 1, "the first is under way");
  const others = [stage.ask(get("/second")), stage.ask(post("with a body"), "POST")];
  await queued(stage, 2);
  assert.equal(stage.endpoint.requests.length, 1, "nobody passed the limit");
  gate.open();
  for (const response of await Promise.all([first, ...others])) assert.equal(response.text, "served");
  assert.equal(
    stage.endpoint.requests.find(({ method }) => method === "POST")!.body.toString(),
    "with a body",
  );
  const waits = (await stage.records(3)).map(({ waitedMs }) => waitedMs);
  assert.equal(waits.filter((waitedMs) => waitedMs > 0).length, 2, waits.join());
});

test("a full queue answers 503 with Retry-After, and the connection lives on", async () => {
  const gate = closedGate();
  await using stage = await setStage(gate.before(answer("served")), {
    policy: limitedTo(1, { maxPendingRequests: 1 }),
  });
  const served = [stage.ask(get())];
  await waitUntil(() => stage.endpoint.requests.length === 1, "the first is under way");
  served.push(stage.ask(get()));
  await queued(stage, 1);
  const client = await stage.client();
  await client.send(get());
  const refused = await client.readResponse();
  assertRefused(refused, "queue-full");
  assert.match(refused.header("retry-after") ?? "", /^[1-9][0-9]?$/);
  gate.open();
  await Promise.all(served);
  await client.send(get());
  assert.equal((await client.readResponse()).text, "served");
  client.close();
});

test("a request that waits too long is refused by name", async () => {
  const gate = closedGate();
  const patient = workloadClass("brief", { treatment: { queue: { maxWait: "100ms" } } });
  await using stage = await setStage(gate.before(answer("served")), {
    policy: limitedTo(1),
    more: [patient],
  });
  const first = stage.ask(get());
  await waitUntil(() => stage.endpoint.requests.length === 1, "the first is under way");
  assertRefused(await stage.ask(get("/", "x-work: brief")), "queue-timeout");
  gate.open();
  assert.equal((await first).status, 200);
});

test("a client that leaves gives up its place, and a cancelled one its permit", async () => {
  const gate = closedGate();
  await using stage = await setStage(gate.before(answer("served")), { policy: limitedTo(1) });
  const first = await stage.client();
  await first.send(get());
  await waitUntil(() => stage.endpoint.requests.length === 1, "the first is under way");
  const second = await stage.client();
  await second.send(get());
  await queued(stage, 1);
  second.reset();
  await queued(stage, 0);
  const third = stage.ask(get());
  await queued(stage, 1);
  first.reset();
  gate.open();
  assert.equal((await third).text, "served");
});

test("classes: batch is kept to its share and refused with 429, interactive goes on", async () => {
  const gate = closedGate();
  const batch = workloadClass("batch", {
    base: "batch",
    treatment: { maxConcurrencyPercent: 50, queue: { maxLength: 0 } },
  });
  await using stage = await setStage(gate.before(answer("served")), { policy: limitedTo(2), more: [batch] });
  const under = [stage.ask(get("/", "x-work: batch"))];
  await waitUntil(() => stage.endpoint.requests.length === 1, "batch is under way");
  assertRefused(await stage.ask(get("/", "x-work: batch")), "class-limit");
  under.push(stage.ask(get()));
  await waitUntil(() => stage.endpoint.requests.length === 2, "interactive is under way");
  gate.open();
  for (const response of await Promise.all(under)) assert.equal(response.status, 200);
  const batches = (await stage.records(3)).filter((line) => line.class === "default/batch");
  assert.equal(batches.length, 2);
});

test("waiting work of lower order gives way to more important work", async () => {
  const gate = closedGate();
  const batch = workloadClass("batch", { base: "batch" });
  await using stage = await setStage(gate.before(answer("served")), {
    policy: limitedTo(1, { maxPendingRequests: 1 }),
    more: [batch],
  });
  const first = stage.ask(get());
  await waitUntil(() => stage.endpoint.requests.length === 1, "the first is under way");
  const job = stage.ask(get("/", "x-work: batch"));
  await queued(stage, 1);
  const person = stage.ask(get());
  assert.equal(refusalOf(await job), "shed");
  gate.open();
  assert.deepEqual([(await first).status, (await person).status], [200, 200]);
});

test("a class may be confined to some endpoints, with times of its own and no retries", async () => {
  const slow = workloadClass("confined", {
    treatment: {
      endpointSelector: { matchLabels: { "topology.kubernetes.io/zone": "nowhere" } },
      retries: false,
    },
  });
  const hasty = workloadClass("hasty", { treatment: { timeouts: { request: "100ms" } } });
  const gate = closedGate();
  await using stage = await setStage(gate.before(answer("served")), { more: [slow, hasty] });
  assertRefused(await stage.ask(get("/", "x-work: confined")), "no-endpoint");
  assertRefused(await stage.ask(get("/", "x-work: hasty")), "request-timeout");
  gate.open();
  assert.equal((await stage.ask(get())).text, "served");
});

test("a reload that takes a class away or renames it refuses nobody, and sends nobody where it may not go", async () => {
  const gate = closedGate();
  const confined = (name: string, tier: string): object =>
    workloadClass(name, {
      match: [{ headers: [{ name: "x-work", value: "confined" }] }],
      treatment: { endpointSelector: { matchLabels: { tier } } },
    });
  const taken = workloadClass("taken", { base: "batch", treatment: { queue: { maxWait: "2m" } } });
  await using stage = await setStage(gate.before(answer("served")), {
    policy: limitedTo(1),
    more: [taken, confined("old", "here")],
  });
  const first = stage.ask(get());
  await waitUntil(() => stage.endpoint.requests.length === 1, "the first is under way");
  const renamed = stage.ask(get("/", "x-work: confined"));
  await queued(stage, 1);
  const gone = stage.ask(get("/", "x-work: taken"));
  await queued(stage, 2);
  const pools = { pool: [stage.endpoint] };
  const more = [confined("new", "elsewhere")];
  assert.ok(await stage.gateway.rewrite({ pools, policy: limitedTo(1), more }));
  // A second time, for the heirs may change as well.
  assert.ok(
    await stage.gateway.rewrite({ pools, policy: limitedTo(1), more: [confined("newer", "elsewhere")] }),
  );
  await queued(stage, 2);
  gate.open();
  assert.equal((await first).text, "served");
  assert.equal((await gone).text, "served");
  assertRefused(await renamed, "no-endpoint");
  assert.equal(stage.endpoint.requests.length, 2);
});

test("a request that waits when its class is confined anew goes where it may go now", async () => {
  const gate = closedGate();
  const confined = (more: object): object => workloadClass("confined", { treatment: more });
  const setup = (more: object): { policy: object; more: object[] } => ({
    policy: limitedTo(1),
    more: [workloadClass("other", { treatment: { policy: "RoundRobin" } }), confined(more)],
  });
  await using stage = await setStage(gate.before(answer("served")), setup({}));
  const first = stage.ask(get());
  await waitUntil(() => stage.endpoint.requests.length === 1, "the first is under way");
  const waits = stage.ask(get("/", "x-work: confined"));
  await queued(stage, 1);
  const nowhere = { endpointSelector: { matchLabels: { tier: "elsewhere" } } };
  assert.ok(await stage.gateway.rewrite({ pools: { pool: [stage.endpoint] }, ...setup(nowhere) }));
  gate.open();
  assert.equal((await first).text, "served");
  assertRefused(await waits, "no-endpoint");
});

test("what is admitted shows in the metrics", async () => {
  const gate = closedGate();
  await using stage = await setStage(gate.before(answer("served")), { policy: limitedTo(1) });
  const asked = [stage.ask(get())];
  await waitUntil(() => stage.endpoint.requests.length === 1, "the first is under way");
  asked.push(stage.ask(get()));
  await queued(stage, 1);
  const labels = '{pool="default/pool:80",class="interactive"}';
  assert.equal(await metric(stage.gateway, `plimsoll_admission_under_way${labels}`), 1);
  assert.equal(await metric(stage.gateway, `plimsoll_admission_waiting${labels}`), 1);
  assert.equal(await metric(stage.gateway, 'plimsoll_admission_limit{pool="default/pool:80"}'), 1);
  gate.open();
  await Promise.all(asked);
});
