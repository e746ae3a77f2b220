/**
 * Error bodies and error events against the shapes that the APIs document.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { messageOf, renderError, statusOf } from "./error-shape.ts";
import { streamEnd } from "./stream-end.ts";

test("a refusal is told in the words of the API", () => {
  const error = { status: 404, code: "model_not_found", message: 'No model "x".', param: "model" };
  assert.deepEqual(JSON.parse(renderError("openai-chat", error)), {
    error: {
      message: 'No model "x".',
      type: "invalid_request_error",
      param: "model",
      code: "model_not_found",
    },
  });
  assert.deepEqual(JSON.parse(renderError("anthropic-messages", error)), {
    type: "error",
    error: { type: "not_found_error", message: 'No model "x".' },
  });
  const rows: readonly (readonly [status: number, openai: string, anthropic: string])[] = [
    [400, "invalid_request_error", "invalid_request_error"],
    [401, "authentication_error", "authentication_error"],
    [413, "invalid_request_error", "request_too_large"],
    [429, "rate_limit_error", "rate_limit_error"],
    [500, "server_error", "api_error"],
    [503, "server_error", "overloaded_error"],
    [504, "server_error", "timeout_error"],
  ];
  for (const [status, openai, anthropic] of rows) {
    const other = { status, code: "shed", message: "m" };
    assert.equal(JSON.parse(renderError("sglang-generate", other)).error.type, openai);
    assert.equal(JSON.parse(renderError("anthropic-count-tokens", other)).error.type, anthropic);
  }
});

test("a fault says where and what was expected", () => {
  const fault = { kind: "wrong-type", path: "messages[0]", offset: 17, expected: "an object" } as const;
  assert.equal(messageOf(fault), "messages[0]: expected an object (byte 17 of the body).");
  assert.equal(statusOf(fault), 400);
  const large = { kind: "too-large", path: "", offset: 9, expected: "at most 9 bytes" } as const;
  assert.equal(messageOf(large), "The body is too large: expected at most 9 bytes.");
  assert.equal(statusOf(large), 413);
});

test("a broken stream ends with an error event, and not as a finished one does", () => {
  const error = { status: 502, code: "endpoint-reset", message: "The endpoint left." };
  assert.equal(
    streamEnd("openai-chat", "inside-line", 3, error),
    '\n\ndata: {"error":{"message":"The endpoint left.","type":"server_error","param":null,"code":"endpoint-reset"}}\n\n',
  );
  assert.equal(
    streamEnd("anthropic-messages", "line-start", 3, error),
    '\nevent: error\ndata: {"type":"error","error":{"type":"api_error","message":"The endpoint left."}}\n\n',
  );
  assert.equal(
    streamEnd("openai-responses", "between-events", 3, error),
    'event: error\ndata: {"type":"error","code":"endpoint-reset","message":"The endpoint left.","param":null,"sequence_number":3}\n\n',
  );
});
