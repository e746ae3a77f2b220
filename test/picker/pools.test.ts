/**
 * Many pools in one picker: which of them a request is for.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Struct } from "../../src/edge/extproc-client/messages.ts";
import { chat, PickerStage, poolManifests, type StageStream } from "../kit/picker/stage.ts";

test("many pools in one process: by the call's metadata, by the request's, else none can be told", () => {
  const stage = new PickerStage([
    ...poolManifests("chat", ["10.0.0.1"]),
    ...poolManifests("code", ["10.1.0.1"]),
  ]);
  const ask = (stream: StageStream, metadata?: Readonly<Record<string, Struct>>): StageStream => {
    stream.headers({ metadata });
    stream.body(chat("hello"), true);
    return stream;
  };
  for (const name of ["default/code", "code"]) {
    assert.equal(ask(stage.open({ "x-gateway-inference-pool": name })).destination, "10.1.0.1:8000");
    assert.equal(ask(stage.open(), { "plimsoll.dev": { pool: name } }).destination, "10.1.0.1:8000");
  }
  const unknown = stage.open({ "x-gateway-inference-pool": "nowhere" });
  unknown.headers({ endOfStream: true });
  assert.deepEqual(unknown.heard, ["immediate 500"]);
  const untold = stage.open();
  untold.headers({ endOfStream: true });
  assert.deepEqual(untold.heard, ["immediate 404"]);
  assert.equal(stage.records.length, 2);
  stage.close();
});

test("many pools, and a gateway that names none: the routes of its own controller tell which", () => {
  const rule = (name: string, matches: readonly object[]): object => ({
    matches,
    timeouts: { request: "1s" },
    backendRefs: [
      { name: "frontend", port: 80 },
      { group: "inference.networking.k8s.io", kind: "InferencePool", name },
    ],
  });
  const route = {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "llm" },
    spec: {
      parentRefs: [{ name: "envoy-gateway" }],
      hostnames: ["models.example.com"],
      rules: [
        rule("code", [
          {
            path: { type: "PathPrefix", value: "/v1" },
            headers: [{ name: "x-gateway-model-name", value: "coder" }],
          },
        ]),
        rule("chat", [{ path: { type: "PathPrefix", value: "/v1" } }]),
      ],
    },
  };
  const gateway = {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "envoy-gateway" },
    spec: { gatewayClassName: "envoy", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] },
  };
  const pools = [...poolManifests("chat", ["10.0.0.1"]), ...poolManifests("code", ["10.1.0.1"])];
  const stage = new PickerStage([...pools, route, gateway]);
  for (let round = 0; round < 8; round++) {
    const plain = stage.open();
    plain.headers({ endOfStream: true });
    assert.equal(plain.destination, "10.0.0.1:8000");
    const coder = stage.open();
    coder.headers({ endOfStream: true, more: [["x-gateway-model-name", "coder"]] });
    assert.equal(coder.destination, "10.1.0.1:8000");
  }
  const elsewhere = stage.open();
  elsewhere.headers({ endOfStream: true, path: "/metrics" });
  assert.deepEqual(elsewhere.heard, ["immediate 404"]);
  stage.pass(1_100);
  assert.equal(stage.records.filter(({ refusal }) => refusal === "request-timeout").length, 16);
  assert.equal(stage.records.at(-1)?.rule?.rule.route, "default/llm");
  assert.equal(stage.view.ports.size, 0);
  stage.close();
});
