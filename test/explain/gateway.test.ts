/** Explanations of a gateway at work: they tell where the next request goes, and asking moves nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { explainFromFiles } from "../../src/cli/explain/from-files.ts";
import type { RequestExplanation } from "../../src/app/explain-request.ts";
import { refusingPort } from "../kit/ports.ts";
import type { PastDecision } from "../../src/app/explain-decision.ts";
import { explainStage, SPLIT, startEndpoints, type ExplainStage } from "./stage.ts";

const POLICIES = ["Random", "RoundRobin", "PeakEwma", "ConsistentHash"] as const;

function setup(endpoints: Awaited<ReturnType<typeof startEndpoints>>, policy: string) {
  const pools = { left: endpoints.slice(0, 3), right: endpoints.slice(3) };
  const balancing = policy === "ConsistentHash" ? { policy, consistentHash: { header: "host" } } : { policy };
  return { pools, rules: SPLIT, policy: { balancing } };
}

for (const policy of POLICIES) {
  test(`${policy}: the next request goes where it was said, backend and endpoint`, async () => {
    const endpoints = await startEndpoints(6);
    await using stage = await explainStage(endpoints, setup(endpoints, policy));
    const seen = new Set<string>();
    for (let round = 0; round < 20; round++) {
      const host = `h${round % 5}.test`;
      const { verdict, backends } = await stage.explain(`http://${host}/`);
      const { last } = await stage.send("/", host);
      assert.ok(verdict.kind === "send");
      assert.deepEqual([last?.pool, last?.chosen], [verdict.pool, verdict.endpoint], `round ${round}`);
      const { decision } = backends.find(({ drawn }) => drawn)!.explained!;
      assert.equal(last?.reason, decision.reason);
      seen.add(verdict.endpoint);
    }
    assert.ok(seen.size > 2, "requests did not spread, so nothing was told apart");
  });
}

test("asking changes no decision: with one seed, asked or not, requests go the same way", async () => {
  const endpoints = await startEndpoints(6);
  await using asked = await explainStage(endpoints, setup(endpoints, "Random"), true);
  await using left = await explainStage(endpoints, setup(endpoints, "Random"));
  const ways: [string[], string[]] = [[], []];
  for (let round = 0; round < 25; round++) {
    for (const request of ["http://a/", "POST http://b/x?y", "http://c/"]) await asked.explain(request);
    await asked.json("/debug/decisions?count=5");
    for (const [index, stage] of [asked, left].entries()) {
      ways[index]!.push((await stage.send()).last!.chosen);
    }
  }
  assert.deepEqual(ways[0], ways[1]);
  assert.ok(new Set(ways[0]).size === 6);
  assert.equal(await counted(asked), 25);
  const { decisions } = await asked.json<{ decisions: readonly PastDecision[] }>(
    "/debug/decisions?count=100",
  );
  assert.equal(decisions.length, 25);
});

async function counted({ admin }: ExplainStage): Promise<number> {
  const page = await (await fetch(`${admin}/metrics`)).text();
  const samples = page.matchAll(/^plimsoll_requests_total\{.*\} ([0-9]+)$/gm);
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
}

test("manifests alone say what the first request of a gateway with that seed finds", async () => {
  const endpoints = await startEndpoints(6);
  await using stage = await explainStage(endpoints, setup(endpoints, "Random"));
  const description = { request: "http://a/", headers: [], port: stage.gateway.port, client: undefined };
  const files = { paths: [stage.gateway.folder], zone: undefined };
  const said = await explainFromFiles(description, { ...files, seed: 1 });
  const live = await stage.explain("http://a/");
  const chanceOf = ({ backends }: RequestExplanation): readonly (readonly number[])[] =>
    backends.map(({ explained }) => explained!.decision.chance);
  assert.deepEqual(chanceOf(said), chanceOf(live));
  assert.deepEqual(said.verdict, { ...live.verdict, displayName: undefined });
  assert.ok(said.verdict.kind === "send");
  assert.equal((await stage.send()).last?.chosen, said.verdict.endpoint);
  const other = await explainFromFiles(description, { ...files, seed: 2 });
  assert.notDeepEqual(chanceOf(other), chanceOf(said));
});

test("each attempt leads from the log to its decision", async () => {
  const endpoints = await startEndpoints(1);
  const dead = { host: "127.0.0.1", port: await refusingPort() };
  const policy = { balancing: { policy: "RoundRobin" } };
  await using stage = await explainStage(endpoints, { pools: { pool: [dead, ...endpoints] }, policy });
  for (let turn = 0; turn < 2; turn++) await stage.send();
  const logged = (await stage.logged()).find(({ attempts }) => attempts.length === 2);
  assert.ok(logged !== undefined, "neither turn began with the dead endpoint");
  for (const [tried, attempt] of logged.attempts.entries()) {
    const past: PastDecision = await stage.json(`/debug/decisions/${logged.pool}/${attempt.decision}`);
    assert.deepEqual([past.chosen, past.tried], [attempt.endpoint, tried]);
    assert.equal(past.id, `${logged.pool}/${attempt.decision}`);
    assert.ok(Math.abs(Date.parse(past.at) - Date.now()) < 10_000);
  }
});

test("the newest decisions come first, of one pool or of all", async () => {
  const endpoints = await startEndpoints(6);
  await using stage = await explainStage(endpoints, setup(endpoints, "Random"));
  const ids: string[] = [];
  for (let round = 0; round < 12; round++) {
    await stage.send();
  }
  for (const { pool, attempts } of await stage.logged()) ids.unshift(`${pool}/${attempts[0]!.decision}`);
  const idsOf = async (query: string): Promise<readonly string[]> => {
    const { decisions } = await stage.json<{ decisions: readonly PastDecision[] }>(
      `/debug/decisions${query}`,
    );
    return decisions.map(({ id }) => id);
  };
  assert.deepEqual(await idsOf(""), ids);
  assert.deepEqual(await idsOf("?count=3"), ids.slice(0, 3));
  const left = ids.filter((id) => id.startsWith("default/left:80/"));
  assert.ok(left.length > 0 && left.length < ids.length);
  assert.deepEqual(await idsOf("?pool=default/left:80"), left);
});

test("what the admin cannot answer it says, with what was expected", async () => {
  const endpoints = await startEndpoints(1);
  await using stage = await explainStage(endpoints, { pools: { pool: endpoints } });
  const pool = stage.gateway.running.gateway.view.pools.get("default/pool:80")!;
  const refused = async (path: string): Promise<readonly [number, string, string]> => {
    const response = await fetch(stage.admin + path);
    const { error, expected } = (await response.json()) as { error: string; expected: string };
    return [response.status, error, expected];
  };
  assert.deepEqual(await refused("/debug/decisions/default/pool:80/1"), [
    404,
    "default/pool:80 has decided nothing yet",
    "a decision that was made",
  ]);
  for (let round = 0; round < 4_100; round++) {
    const verdict = pool.brain.pick({ tried: [] }, stage.gateway.running.gateway.clock());
    assert.ok(verdict.kind === "send");
    const outcome = { kind: "success", status: 200, firstByteMs: 1, totalMs: 1 } as const;
    pool.brain.settle(verdict.ticket, outcome, stage.gateway.running.gateway.clock());
  }
  assert.deepEqual(await refused("/debug/decisions/default/pool:80/4"), [
    404,
    "decision 4 of default/pool:80 is no longer kept: 4096 later ones have taken its place",
    "a number from 5 to 4100",
  ]);
  assert.equal(
    (await stage.json<PastDecision>("/debug/decisions/default/pool:80/5")).chosen,
    endpoints[0]!.key,
  );
  assert.equal(
    (await refused("/debug/decisions/default/pool:80/4101"))[1],
    "default/pool:80 has made no decision 4101",
  );
  assert.deepEqual(await refused("/debug/decisions/default/none:80/1"), [
    404,
    "there is no pool default/none:80",
    "one of default/pool:80",
  ]);
  assert.equal((await refused("/debug/decisions/x"))[0], 400);
  assert.equal((await refused("/debug/decisions?pool=x"))[0], 404);
  for (const count of ["0", "-1", "x", "4097", "1.5"]) {
    assert.equal((await refused(`/debug/decisions?count=${count}`))[0], 400, count);
  }
  assert.deepEqual(await refused("/debug/explain"), [
    400,
    "no request is described",
    "?request=GET http://HOST/PATH",
  ]);
  assert.equal((await refused("/debug/explain?request=GET+/x"))[1], "the request names no host");
  assert.match((await refused("/debug/explain?request=http://a/&port=x"))[1], /^cannot read the port x/);
  assert.equal((await fetch(`${stage.admin}/debug/explain/more`)).status, 404);
});

test("a refusal is explained too: no rule, nobody there", async () => {
  const endpoints = await startEndpoints(1);
  const rules = [
    {
      matches: [{ path: { type: "PathPrefix", value: "/full" } }],
      backendRefs: [{ name: "pool", port: 80 }],
    },
    {
      matches: [{ path: { type: "PathPrefix", value: "/empty" } }],
      backendRefs: [{ name: "empty", port: 80 }],
    },
    {
      matches: [{ path: { type: "PathPrefix", value: "/gone" } }],
      backendRefs: [{ name: "gone", port: 80 }],
    },
  ];
  await using stage = await explainStage(endpoints, { pools: { pool: endpoints, empty: [] }, rules });
  const verdictOf = async (path: string) => {
    const { verdict, route } = await stage.explain(`http://a${path}`);
    const said = verdict.kind === "refuse" ? [verdict.status, verdict.refusal] : [200, null];
    assert.equal((await stage.send(path)).status, said[0]);
    assert.equal((await stage.logged()).at(-1)?.refusal, said[1]);
    return { because: verdict.because, route };
  };
  assert.equal((await verdictOf("/full")).because, "nobody else may serve");
  assert.equal((await verdictOf("/empty")).because, "default/empty:80 has no endpoints");
  assert.match((await verdictOf("/gone")).because, /does not resolve/);
  const { because, route } = await verdictOf("/other");
  assert.equal(because, "no rule of default/test/http takes it");
  assert.equal(route.nearest.length, 3);
});
