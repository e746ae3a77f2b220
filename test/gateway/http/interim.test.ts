/**
 * Interim responses: Expect: 100-continue end to end, Early Hints, and endpoints that never stop hinting.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, withInterim, type Answer } from "../../kit/behaviours.ts";
import { fieldValue } from "../../kit/message.ts";
import { answerEarly } from "../../kit/misbehaviours.ts";
import { get, refusalOf, request, setStage } from "./stage.ts";

const CONTINUE: Answer = { status: 100, reason: "Continue" };
const EXPECTING = request("PUT", "/", "Expect: 100-continue", "Content-Length: 4");

function hints(link: string): Answer {
  return { status: 103, reason: "Early Hints", fields: [["Link", link]] };
}

test("a client that expects 100 gets it from the endpoint before it sends its body", async () => {
  await using stage = await setStage(withInterim([CONTINUE], answer("stored")));
  using client = await stage.client();
  for (let n = 0; n < 3; n++) {
    await client.send(EXPECTING);
    assert.equal((await client.readHead()).startLine, "HTTP/1.1 100 Continue");
    await client.send("body");
    assert.equal((await client.readResponse()).text, "stored");
  }
  const [first] = stage.endpoint.requests;
  assert.equal(fieldValue(first!.fields, "expect"), "100-continue");
  assert.equal(first!.body.toString(), "body");
  assert.equal(stage.endpoint.connections, 1);
});

test("a final answer instead of 100 reaches the client, and its body is not awaited", async () => {
  await using stage = await setStage(answerEarly({ status: 417, reason: "Expectation Failed" }, "ignore"));
  using client = await stage.client();
  await client.send(EXPECTING);
  const response = await client.readResponse();
  assert.deepEqual([response.status, response.interim], [417, []]);
  client.end();
  assert.equal((await client.waitForClose()).how, "fin");
});

test("every Early Hints response is relayed, fields and all", async () => {
  await using stage = await setStage(withInterim([hints("</a>"), hints("</b>"), CONTINUE], answer("page")));
  const response = await stage.ask(get());
  assert.equal(response.text, "page");
  assert.deepEqual(response.interim, [
    { status: 103, fields: [["Link", "</a>"]] },
    { status: 103, fields: [["Link", "</b>"]] },
    { status: 100, fields: [] },
  ]);
});

test("HTTP/1.0 clients get no interim response", async () => {
  await using stage = await setStage(withInterim([hints("</a>"), CONTINUE], answer("page")));
  const response = await stage.ask("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n");
  assert.deepEqual([response.text, response.interim], ["page", []]);
});

test("thirty-two interim responses are relayed; with one more the answer is bad-response", async () => {
  const many = (count: number): Answer[] => Array.from({ length: count }, () => hints("</a>"));
  await using stage = await setStage(withInterim(many(32), answer("page")));
  const patient = await stage.ask(get());
  assert.deepEqual([patient.text, patient.interim.length], ["page", 32]);
  stage.endpoint.behave(withInterim(many(33), answer("page")));
  const response = await stage.ask(get());
  assert.deepEqual([response.status, refusalOf(response)], [502, "bad-response"]);
});
