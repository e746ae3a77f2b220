/** Lists of models: what engines say, as one list, and what is left out of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { adapterNames, mergeModels, modelListText, readModelList } from "./served-models.ts";

const VLLM = JSON.stringify({
  object: "list",
  data: [
    {
      id: "base",
      object: "model",
      created: 1_763_600_000,
      owned_by: "vllm",
      root: "/models/base",
      parent: null,
      max_model_len: 8_192,
      permission: [{ id: "modelperm-1" }],
    },
    {
      id: "sql",
      object: "model",
      created: 1_763_600_001,
      owned_by: "vllm",
      root: "/lora/sql",
      parent: "base",
    },
  ],
});

test("what an engine lists is read, adapters told apart by their parent", () => {
  const list = readModelList(VLLM)!;
  assert.deepEqual(
    list.map(({ id, parent, lengthMax }) => [id, parent, lengthMax]),
    [
      ["base", undefined, 8_192],
      ["sql", "base", undefined],
    ],
  );
  assert.deepEqual([...adapterNames([list])], ["sql"]);
});

test("what is no list is none, and odd entries are left out", () => {
  for (const text of ["", "[]", "null", "7", '{"data":{}}', "{", '{"object":"list"}']) {
    assert.equal(readModelList(text), undefined, text);
  }
  const odd = JSON.stringify({
    data: [
      null,
      7,
      {},
      { id: "" },
      { id: 7 },
      { id: "x".repeat(1_025) },
      { id: "m", created: "x", parent: 7 },
    ],
  });
  assert.deepEqual(
    readModelList(odd)!.map(({ id, created, parent }) => [id, created, parent]),
    [["m", 0, undefined]],
  );
  assert.deepEqual(readModelList('{"data":[]}'), []);
});

test("the union has each name once, with the least length, and the names of rewrites last", () => {
  const first = readModelList(VLLM)!;
  const second = readModelList('{"data":[{"id":"base","max_model_len":4096},{"id":"poet","created":5}]}')!;
  const rewrites = [
    { id: "r/0", models: ["chat", "base"], targets: [{ model: "base", weight: 1 }] },
    { id: "r/1", models: ["both"], targets: ["poet", "gone"].map((model) => ({ model, weight: 1 })) },
    { id: "r/2", models: [], targets: [{ model: "sql", weight: 1 }] },
  ];
  const merged = mergeModels([first, second], rewrites);
  assert.deepEqual(JSON.parse(modelListText(merged)), {
    object: "list",
    data: [
      {
        id: "base",
        object: "model",
        created: 1_763_600_000,
        owned_by: "vllm",
        root: "/models/base",
        max_model_len: 4_096,
      },
      {
        id: "sql",
        object: "model",
        created: 1_763_600_001,
        owned_by: "vllm",
        root: "/lora/sql",
        parent: "base",
      },
      { id: "poet", object: "model", created: 5, owned_by: "" },
      {
        id: "chat",
        object: "model",
        created: 1_763_600_000,
        owned_by: "plimsoll",
        root: "base",
        max_model_len: 4_096,
      },
      { id: "both", object: "model", created: 5, owned_by: "plimsoll" },
    ],
  });
});
