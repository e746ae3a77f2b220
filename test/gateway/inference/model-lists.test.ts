/** `GET /v1/models`: what all engines of the route serve, as one list; and the engine's own answer while nothing is known. */
import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import { startGateway, type TestGateway } from "../../kit/gateway.ts";
import { exchangeOnce, rawClient, type RawResponse } from "../../kit/raw-client.ts";
import {
  enginePool,
  poolRule,
  ScriptedEngine,
  type ScriptedEngineOptions,
} from "../../kit/scripted-engine.ts";
import { waitUntil } from "../../kit/wait.ts";

async function engine(t: TestContext, models: ScriptedEngineOptions["models"]): Promise<ScriptedEngine> {
  const started = await ScriptedEngine.start({ models });
  t.after(() => started.close());
  return started;
}

const get = (gateway: TestGateway, target: string, method = "GET"): Promise<RawResponse> =>
  exchangeOnce(gateway.port, `${method} ${target} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`, {
    method,
  });

const idsIn = ({ text }: RawResponse): readonly string[] =>
  (JSON.parse(text) as { data: { id: string }[] }).data.map(({ id }) => id).toSorted();

/** Until the list is what is wanted; a mismatch is told with what it was at last. */
async function listed(gateway: TestGateway, target: string, ids: readonly string[]): Promise<void> {
  let last: readonly string[] = [];
  await waitUntil(
    async () => {
      const answer = await get(gateway, target);
      last = answer.status === 200 ? idsIn(answer) : [`status ${answer.status}`];
      return last.join() === ids.toSorted().join();
    },
    () => `${ids.join()} listed, not ${last.join()}`,
  );
}

const rewrite = {
  apiVersion: "llm-d.ai/v1alpha2",
  kind: "InferenceModelRewrite",
  metadata: { name: "chat" },
  spec: {
    poolRef: { name: "chat" },
    rules: [{ matches: [{ model: { value: "chat" } }], targets: [{ modelRewrite: "base" }] }],
  },
};

describe("lists of models", { concurrency: true }, () => {
  test("the pools of a route are one list, adapters and rewritten names included", async (t) => {
    const base = { id: "base" };
    const first = await engine(t, [base, { id: "sql", parent: "base" }]);
    const second = await engine(t, [base, { id: "poet", parent: "base" }]);
    const third = await engine(t, [{ id: "code" }]);
    await using gateway = await startGateway({
      pools: {},
      rules: [
        poolRule("code", { matches: [{ headers: [{ name: "x-gateway-model-name", value: "code" }] }] }),
        poolRule("chat"),
      ],
      more: [...enginePool("chat", [first, second]), ...enginePool("code", [third]), rewrite],
    });
    await listed(gateway, "/v1/models", ["base", "sql", "poet", "code", "chat"]);
    const answer = await get(gateway, "/team/v1/models/?limit=5");
    assert.equal(answer.header("content-type"), "application/json");
    assert.equal(answer.header("x-plimsoll-refusal"), undefined);
    const { object, data } = JSON.parse(answer.text) as {
      object: string;
      data: { id: string; object: string; created: number; owned_by: string; parent?: string }[];
    };
    assert.equal(object, "list");
    for (const model of data) {
      assert.equal(model.object, "model");
      assert.ok(Number.isInteger(model.created) && typeof model.owned_by === "string");
    }
    assert.equal(data.find(({ id }) => id === "sql")?.parent, "base");

    const head = await get(gateway, "/v1/models", "HEAD");
    assert.equal(head.status, 200);
    assert.equal(head.body.length, 0);
    assert.ok(Number(head.header("content-length")) > 100);

    // The connection goes on, and other paths are the engines' as ever.
    using client = await rawClient(gateway.port);
    for (const [target, status] of [
      ["/v1/models", 200],
      ["/v1/models/base", 200],
    ] as const) {
      await client.send(`GET ${target} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
      assert.equal((await client.readResponse()).status, status);
    }
    const forwarded = [first, second].reduce((sum, each) => sum + each.count("GET /v1/models/base"), 0);
    assert.equal(forwarded, 1);

    const records = await gateway.records(4);
    const own = records.filter(({ why }) => why === "models-listed");
    assert.ok(
      own.length >= 4 && own.every(({ attempts, status }) => attempts.length === 0 && status === 200),
    );
    const { desk } = gateway.running.gateway.view.pools.get("default/chat")!;
    assert.deepEqual([...desk!.adapters].toSorted(), ["poet", "sql"]);
  });

  test("while no engine has said what it serves, one of them is asked", async (t) => {
    const silent = await engine(t, undefined);
    await using gateway = await startGateway({
      pools: {},
      rules: [poolRule("chat")],
      more: enginePool("chat", [silent]),
    });
    await waitUntil(() => silent.count("GET /v1/models") > 0, "the question");
    const answer = await get(gateway, "/v1/models");
    assert.equal(answer.status, 404);
    assert.equal(answer.text, "not here");
    silent.change({ models: [{ id: "late" }] });
    // Asked again after half a second, a second, two, ...; what is forwarded meanwhile is a list too.
    await waitUntil(async () => {
      await get(gateway, "/v1/models");
      const records = await gateway.records(1);
      return records.at(-1)!.why === "models-listed";
    }, "the list to be known");
    await listed(gateway, "/v1/models", ["late"]);
  });

  test("an engine that is taken out of the pool takes its models with it", async (t) => {
    const first = await engine(t, [{ id: "base" }]);
    const second = await engine(t, [{ id: "base" }, { id: "poet", parent: "base" }]);
    const setup = (pool: readonly ScriptedEngine[]) => ({
      pools: {},
      rules: [poolRule("chat")],
      more: enginePool("chat", pool),
    });
    await using gateway = await startGateway(setup([first, second]));
    await listed(gateway, "/v1/models", ["base", "poet"]);
    assert.ok(await gateway.rewrite(setup([first])));
    await listed(gateway, "/v1/models", ["base"]);
  });
});
