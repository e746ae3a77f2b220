/** Lists over real sockets, with a clock that is moved: kept for a while, changed, void in the end, bounded. */
import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import { waitUntil } from "../../../test/kit/wait.ts";
import { createPrng } from "../../std/prng.ts";
import { ModelLists } from "./model-lists.ts";

interface Setting {
  readonly lists: ModelLists;
  readonly changes: string[];
  readonly port: number;
  /** What is answered from now on, with 200; a number: that status. */
  says: (answer: string | number) => void;
  asked: () => number;
  later: (ms: number) => void;
}

async function follow(t: TestContext, first: string | number): Promise<Setting> {
  let answer = first;
  let asked = 0;
  let nowMs = 1_000;
  const server = http.createServer((_request, response) => {
    asked++;
    response.writeHead(typeof answer === "number" ? answer : 200).end(String(answer));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const changes: string[] = [];
  const lists = new ModelLists({
    prng: createPrng(1),
    clock: () => nowMs,
    changed: (name) => changes.push(name),
  });
  t.after(() => {
    lists.close();
    server.closeAllConnections();
    server.close();
  });
  lists.follow([{ name: "e", address: "127.0.0.1", port }]);
  return {
    lists,
    changes,
    port,
    says: (next) => (answer = next),
    asked: () => asked,
    later: (ms) => (nowMs += ms),
  };
}

const listOf = (...ids: readonly string[]): string => JSON.stringify({ data: ids.map((id) => ({ id })) });
const idsOf = (setting: Setting): string | undefined =>
  setting.lists
    .of("e")
    ?.map(({ id }) => id)
    .join();

test("a list is asked for anew every half minute, and a change is told once", async (t) => {
  const setting = await follow(t, listOf("a"));
  assert.equal(setting.lists.tries("e"), 0);
  await waitUntil(() => setting.lists.tries("e") === 1, "the first answer");
  assert.equal(idsOf(setting), "a");
  setting.later(33_000);
  await waitUntil(() => setting.lists.tries("e") === 2, "the second answer");
  setting.says(listOf("a", "b"));
  setting.later(33_000);
  await waitUntil(() => idsOf(setting) === "a,b", "the new list");
  assert.deepEqual(setting.changes, ["e", "e"]);
});

test("an engine that fails keeps its list for three tries, and then has none until it answers", async (t) => {
  const setting = await follow(t, listOf("a"));
  await waitUntil(() => setting.lists.tries("e") === 1, "the first answer");
  setting.says(500);
  for (let tries = 1; tries <= 4; tries++) {
    assert.equal(idsOf(setting), "a", `before try ${tries}`);
    setting.later(33_000);
    await waitUntil(() => setting.lists.tries("e") === 1 + tries, `try ${tries}`);
  }
  assert.equal(idsOf(setting), undefined);
  setting.says(listOf("a"));
  setting.later(33_000);
  await waitUntil(() => idsOf(setting) === "a", "the list again");
});

test("answers that are none, or too long, count as failures", async (t) => {
  for (const answer of ["no list", "[]", `{"data":[{"id":"${"x".repeat(2_000_000)}"}]}`, 204]) {
    const setting = await follow(t, answer);
    await waitUntil(() => setting.lists.tries("e") === 1, "the answer");
    assert.equal(setting.lists.of("e"), undefined);
    assert.deepEqual(setting.changes, []);
  }
});

test("one that is let go of while it is being asked is forgotten", async (t) => {
  const setting = await follow(t, listOf("a"));
  setting.lists.follow([]);
  await waitUntil(() => setting.asked() === 1, "the question");
  assert.equal(setting.lists.of("e"), undefined);
  assert.equal(setting.lists.tries("e"), 0);
  setting.lists.follow([{ name: "e", address: "127.0.0.1", port: setting.port }]);
  await waitUntil(() => idsOf(setting) === "a", "the list");
  assert.deepEqual(setting.changes, ["e"]);
});
