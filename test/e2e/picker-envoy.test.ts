/**
 * Envoy in front, the picker beside it, model servers behind: what the one is told and the other does, end to end.
 *
 * Envoy is the real program with the bootstrap of examples/picker, the picker `plimsoll serve --ext-proc` as a process.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test, type TestContext } from "node:test";
import { ONE_AT_A_TIME } from "../kit/picker/chat-pool.ts";
import {
  startModelEndpoint,
  streamedAnswer,
  WHOLE_ANSWER,
  type ModelEndpoint,
} from "../kit/picker/model-endpoint.ts";
import { waitUntil } from "../kit/wait.ts";
import { chat, type ChatAnswer } from "./chat-client.ts";
import { NO_ENVOY, overrideHost, startEnvoy, type EnvoyOptions, type ExtProc } from "./envoy.ts";
import { startPicker, type Picker, type PickerOptions } from "./picker.ts";

const TOKENS = 40;
/** TEST-NET-3: nobody is there, so a request that went there would not be answered. */
const FORGED = "203.0.113.254:9";

interface Fleet {
  readonly endpoints: readonly ModelEndpoint[];
  readonly addresses: readonly string[];
  readonly picker: Picker;
}

async function startFleet(t: TestContext, more: Partial<PickerOptions> = {}): Promise<Fleet> {
  const endpoints = await Promise.all([startModelEndpoint(), startModelEndpoint()]);
  t.after(() => Promise.all(endpoints.map((endpoint) => endpoint.close())));
  const picker = await startPicker({ ports: endpoints.map(({ port }) => port), ...more });
  t.after(() => picker.stop());
  return { endpoints, addresses: endpoints.map(({ address }) => address), picker };
}

/** Modes of request and response bodies other than the example's. */
function modes(request: string, response: string): (filter: ExtProc) => void {
  return (filter) => {
    filter.processing_mode = {
      request_header_mode: "SEND",
      response_header_mode: "SEND",
      request_body_mode: request,
      response_body_mode: response,
    };
  };
}

/** Envoy holds a buffered prompt whole. */
const BUFFER_BYTES = 8 * 1024 * 1024;

const VARIANTS: Readonly<Record<string, (fleet: Fleet) => Partial<EnvoyOptions>>> = {
  "full duplex, by the header": () => ({}),
  "full duplex, by metadata alone": ({ addresses }) => ({ modelServers: overrideHost(addresses) }),
  "buffered, and answers streamed": () => ({
    extProc: modes("BUFFERED", "STREAMED"),
    bufferBytes: BUFFER_BYTES,
  }),
  "buffered, and answers unseen": () => ({ extProc: modes("BUFFERED", "NONE"), bufferBytes: BUFFER_BYTES }),
  "streamed both ways": () => ({ extProc: modes("STREAMED", "STREAMED") }),
};

function mustBeWhole(answer: ChatAnswer, expected: Buffer): void {
  assert.equal(answer.status, 200, answer.body.toString());
  assert.equal(answer.whole, true);
  assert.ok(
    answer.body.equals(expected),
    `${answer.body.length} bytes instead of ${expected.length}, or others`,
  );
}

for (const [name, variant] of Object.entries(VARIANTS)) {
  test(
    `answers pass byte for byte, prompts arrive whole, both places agree: ${name}`,
    { skip: NO_ENVOY },
    async (t) => {
      const fleet = await startFleet(t);
      await using envoy = await startEnvoy({ pickerPort: fleet.picker.port, ...variant(fleet) });
      const served = new Set<string>();
      // The sizes: short, several chunks, 128 KB, and 2 MB, which is more than any buffer on the way.
      for (const promptBytes of [40, 40, 40, 40, 100_000, 131_072, 2_097_152]) {
        for (const stream of [true, false]) {
          const answer = await chat(envoy.port, {
            stream,
            promptBytes,
            headers: { "x-gateway-destination-endpoint": FORGED },
          });
          mustBeWhole(answer, stream ? streamedAnswer(TOKENS) : WHOLE_ANSWER);
          assert.equal(answer.headers["x-answer"], stream ? "streamed" : "whole");
          const record = await envoy.record(answer.id);
          assert.ok(fleet.addresses.includes(record.upstream ?? ""), `went to ${record.upstream}`);
          assert.equal(record.header, record.upstream);
          assert.equal(record.metadata, record.upstream);
          served.add(record.upstream ?? "");
          const endpoint = fleet.endpoints.find(({ address }) => address === record.upstream)!;
          const seen = endpoint.seen.find(({ headers }) => headers["x-request-id"] === answer.id);
          const sha256 = createHash("sha256").update(answer.sentBody).digest("hex");
          assert.deepEqual([seen?.bodyBytes, seen?.bodySha256], [answer.sentBody.length, sha256]);
        }
      }
      assert.equal(served.size, 2, "both endpoints have a part");
    },
  );
}

test("requests without a body pass", { skip: NO_ENVOY }, async (t) => {
  const fleet = await startFleet(t);
  await using envoy = await startEnvoy({ pickerPort: fleet.picker.port });
  const response = await fetch(`http://127.0.0.1:${envoy.port}/v1/models`);
  assert.equal(response.status, 200);
  assert.ok(Buffer.from(await response.arrayBuffer()).equals(WHOLE_ANSWER));
});

test("Envoy restarts, and the picker goes on with the next one", { skip: NO_ENVOY }, async (t) => {
  const fleet = await startFleet(t);
  const first = await startEnvoy({ pickerPort: fleet.picker.port });
  t.after(() => first.stop());
  const cut = Array.from({ length: 20 }, () => chat(first.port, { stream: true }));
  await waitUntil(() => fleet.endpoints.some(({ seen }) => seen.length > 0), "some to be under way");
  await first.stop();
  await Promise.all(cut);
  await using second = await startEnvoy({ pickerPort: fleet.picker.port });
  for (let count = 0; count < 20; count += 1) {
    mustBeWhole(await chat(second.port, { stream: true }), streamedAnswer(TOKENS));
  }
});

test(
  "the picker restarts: refused while it is away, served when it is back",
  { skip: NO_ENVOY },
  async (t) => {
    const fleet = await startFleet(t);
    await using envoy = await startEnvoy({ pickerPort: fleet.picker.port });
    mustBeWhole(await chat(envoy.port), WHOLE_ANSWER);
    // Killed and not asked: nothing is said to those who are connected.
    await fleet.picker.stop("SIGKILL");
    const away = await chat(envoy.port);
    assert.ok(away.status >= 500, `answered ${away.status} without a picker`);
    const again = await startPicker({
      ports: fleet.endpoints.map(({ port }) => port),
      port: fleet.picker.port,
    });
    t.after(() => again.stop());
    await waitUntil(async () => (await chat(envoy.port)).status === 200, "to be served again", 20_000);
    for (let count = 0; count < 10; count += 1)
      mustBeWhole(await chat(envoy.port, { stream: true }), streamedAnswer(TOKENS));
  },
);

test("400, 413 and 429 reach the client as the picker says them", { skip: NO_ENVOY }, async (t) => {
  const hold = Promise.withResolvers<void>();
  const held = await startModelEndpoint({ gate: () => hold.promise });
  t.after(() => held.close());
  const picker = await startPicker({ ports: [held.port], more: ONE_AT_A_TIME });
  t.after(() => picker.stop());
  await using envoy = await startEnvoy({ pickerPort: picker.port });

  const broken = await chat(envoy.port, { body: '{"model":"chat","messages":[{' });
  assert.equal(broken.status, 400);
  assert.equal(typeof errorOf(broken).message, "string");

  const endless = await chat(envoy.port, { promptBytes: 40 * 1024 * 1024, limitMs: 30_000 });
  assert.equal(endless.status, 413, endless.body.toString());

  // A class may always have one under way; the next is above its share and may not wait.
  const first = chat(envoy.port, { headers: { "x-drop": "1" } });
  const prompts = (): number => held.seen.filter(({ path }) => path.endsWith("/chat/completions")).length;
  await waitUntil(() => prompts() === 1, "the first to be under way");
  const second = await chat(envoy.port, { headers: { "x-drop": "1" } });
  assert.equal(second.status, 429, second.body.toString());
  assert.ok(Number(second.headers["retry-after"]) >= 1);
  assert.equal(typeof errorOf(second).message, "string");
  hold.resolve();
  mustBeWhole(await first, WHOLE_ANSWER);
  assert.equal(prompts(), 1, "what was refused reached nobody");
});

test("a pool without a ready endpoint is 503", { skip: NO_ENVOY }, async (t) => {
  const fleet = await startFleet(t, { ready: false });
  await using envoy = await startEnvoy({ pickerPort: fleet.picker.port });
  const answer = await chat(envoy.port);
  assert.equal(answer.status, 503, answer.body.toString());
  assert.equal(typeof errorOf(answer).message, "string");
  assert.deepEqual(
    fleet.endpoints.flatMap(({ seen }) => seen),
    [],
  );
});

function errorOf(answer: ChatAnswer): { readonly message?: unknown } {
  return (JSON.parse(answer.body.toString("utf8")) as { readonly error: { readonly message?: unknown } })
    .error;
}
