/**
 * The model's name replaced on the way in and on the way back, byte for byte.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelRename } from "./model-rename.ts";
import { spliceModel } from "./model-splice.ts";
import { RequestReader } from "./request-reader.ts";

test("a request is asked for under another name, and no other byte changes", () => {
  const text =
    '{ "messages" : [{"role":"user","content":"\\u00e9 \\"model\\": \\"m\\""}],\n "model" :  "old\\u002Dname" , "n":1}';
  const bytes = new TextEncoder().encode(text);
  const reader = new RequestReader({ bodyBytesMax: 1_000 });
  reader.begin("openai-chat");
  reader.feed(bytes, 0, bytes.length);
  const reading = reader.finish();
  assert.ok(reading.kind === "request");
  assert.equal(reading.body.model, "old-name");
  for (const name of ["new", 'a "quoted" \u00e9 one that is longer']) {
    const splice = spliceModel(reading.body, name);
    assert.ok(splice !== undefined);
    const sent = Buffer.concat([bytes.subarray(0, splice.start), splice.bytes, bytes.subarray(splice.end)]);
    assert.equal(sent.toString(), text.replace('"old\\u002Dname"', JSON.stringify(name)));
    assert.equal(sent.length, bytes.length + splice.addedBytes);
  }
  reader.begin("sglang-generate");
  const unnamed = new TextEncoder().encode('{"text":"Hi"}');
  reader.feed(unnamed, 0, unnamed.length);
  const other = reader.finish();
  assert.ok(other.kind === "request" && spliceModel(other.body, "new") === undefined);
});

function renamed(text: string, isStream: boolean, chunkBytes: number): string {
  const parts: Buffer[] = [];
  const rename = new ModelRename("big/model", "Mine", isStream, (bytes, start, end) => {
    assert.ok(start < end);
    parts.push(Buffer.from(bytes.slice(start, end)));
  });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.slice(at, at + chunkBytes);
    rename.feed(chunk, 0, chunk.length);
    chunk.fill(0x58);
  }
  rename.finish();
  return Buffer.concat(parts).toString();
}

const LONG = "L".repeat(9_000);
const ROWS: readonly (readonly [name: string, isStream: boolean, before: string, after: string])[] = [
  [
    "one piece",
    false,
    '{"id":"1","model": "big\\/model","choices":[{"model":"big/model","text":"\\"model\\":\\"big/model\\""}],"x":{"model":"big/model"}}\n',
    '{"id":"1","model": "Mine","choices":[{"model":"big/model","text":"\\"model\\":\\"big/model\\""}],"x":{"model":"big/model"}}\n',
  ],
  ["another model", false, '{"model":"big/model-2"}', '{"model":"big/model-2"}'],
  [
    "a longer one",
    false,
    `{"model":"${LONG}","message":{"model":"big/model"}}`,
    `{"model":"${LONG}","message":{"model":"Mine"}}`,
  ],
  [
    "no text",
    false,
    '{"model":null,"response":{"model":["big/model"]}}',
    '{"model":null,"response":{"model":["big/model"]}}',
  ],
  ["no JSON", false, "<html>big/model</html>", "<html>big/model</html>"],
  ["cut inside the name", false, '{"model":"big/mo', '{"model":"big/mo'],
  [
    "broken inside the name",
    false,
    '{"model":"big\n/model","model":"big/model"}',
    '{"model":"big\n/model","model":"big/model"}',
  ],
  [
    "stream",
    true,
    'data: {"model":"big/model","a":1}\r\n\r\nevent: x\ndata: {"type":"response.created",\ndata: "response":{"model":"big/model"}}\n\n: big/model\ndata: [DONE]\n\n',
    'data: {"model":"Mine","a":1}\r\n\r\nevent: x\ndata: {"type":"response.created",\ndata: "response":{"model":"Mine"}}\n\n: big/model\ndata: [DONE]\n\n',
  ],
  [
    "stream with a broken event",
    true,
    'data: {"model":"big/mo\n\ndata: {"message":{"model":"big/model"}}\n\n',
    'data: {"model":"big/mo\n\ndata: {"message":{"model":"Mine"}}\n\n',
  ],
];

test("an answer bears the name that was asked for, wherever it is cut", () => {
  for (const [name, isStream, before, after] of ROWS) {
    for (const size of [1, 2, 3, 10, 100_000])
      assert.equal(renamed(before, isStream, size), after, `${name} by ${size}`);
  }
});

test("nothing but a model's value is held back", () => {
  let sent = 0;
  const rename = new ModelRename("m", "n", true, (_bytes, start, end) => {
    sent += end - start;
  });
  const text = 'data: {"choices":[{"delta":{"content":"a"}}],"model":"m"}\n\n';
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at++) {
    rename.feed(bytes, at, at + 1);
    const isInName = at >= text.indexOf('"m"') && at < text.indexOf('"m"') + 2;
    assert.equal(sent, isInName ? text.indexOf('"m"') : at + 1);
  }
});
