/** What people read: sentences for every reason, refusals, classes, and pools too large for a screen. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { PastDecision } from "../../src/app/explain-decision.ts";
import { becauseOf, scoreText } from "../../src/app/explain-reason.ts";
import { paint, type Line } from "../../src/cli/demo/spans.ts";
import { explainFromFiles, type SeededExplanation } from "../../src/cli/explain/from-files.ts";
import { agoText } from "../../src/cli/explain/numbers.ts";
import { isOf } from "../../src/cli/explain/render-decision.ts";
import { renderRequest } from "../../src/cli/explain/render-request.ts";
import { DECISION_REASONS } from "../../src/model/explanation.ts";
import { manifestText, type GatewaySetup } from "../kit/gateway.ts";

async function explained(
  setup: GatewaySetup,
  request: string,
  more: { readonly headers?: readonly string[]; readonly zone?: string } = {},
): Promise<SeededExplanation> {
  const folder = await mkdtemp(join(tmpdir(), "plimsoll-test-"));
  try {
    await writeFile(join(folder, "manifests.yaml"), manifestText(setup, 8080));
    const description = { request, headers: more.headers ?? [], port: undefined, client: undefined };
    return await explainFromFiles(description, { paths: [folder], seed: 1, zone: more.zone });
  } finally {
    await rm(folder, { recursive: true });
  }
}

function textOf(lines: readonly Line[]): string {
  return lines.map((line) => paint(line, false)).join("\n");
}

function endpoints(count: number): { host: string; port: number }[] {
  return Array.from({ length: count }, (_, index) => ({
    host: `10.0.${index >> 8}.${index & 255}`,
    port: 80,
  }));
}

test("every reason has a sentence of its own", () => {
  const considered = [
    { key: "a", score: 1 },
    { key: "b", score: 2 },
  ];
  const sentences = DECISION_REASONS.map((reason) =>
    becauseOf({ reason, chosen: "a", considered, compared: 2 }),
  );
  assert.equal(new Set(sentences).size, DECISION_REASONS.length);
});

test("scores are told with as many figures as tell them apart, and no winner is claimed of a tie", () => {
  const because = (own: number, other: number, compared = 2): string =>
    becauseOf({
      reason: "lower-cost",
      chosen: "a",
      compared,
      considered: [
        { key: "b", score: other },
        { key: "a", score: own },
      ],
    });
  assert.equal(because(12.51, 80.2), "the next request costs less there (12.5 against 80.2 at b)");
  assert.equal(because(270.84, 271.43), "the next request costs less there (270.8 against 271.4 at b)");
  assert.match(because(5, 5), /^nothing tells it from b, the other that was looked at /);
  assert.equal(because(5, 5, 7), "nothing tells it from b, the next best of the 7 compared (both 5)");
  assert.equal(
    because(1, 2, 32),
    "the next request costs less there (1 against 2 at b, the next best of the 32 compared)",
  );
  assert.deepEqual(
    [0, 0.0004, 12_345].map((score) => scoreText(score)),
    ["0", "4.00e-4", "12300"],
  );
  assert.deepEqual([250, 3_210, 3_723_400].map(agoText), ["250 ms ago", "3.2 s ago", "1h2m3s ago"]);
});

test("a pool of hundreds stays on one screen, and the rest is counted", async () => {
  const said = await explained({ pools: { pool: endpoints(300) } }, "http://a/");
  const text = textOf(renderRequest(said, "manifests"));
  assert.ok(text.split("\n").length <= 40, text);
  assert.match(text, /\n {2}and 4 compared, 284 not drawn\n/);
});

test("a class of work that the request says itself to be of is told", async () => {
  const base = { apiVersion: "plimsoll.dev/v1alpha1", kind: "WorkloadClass" };
  const match = [{ headers: [{ name: "x-kind", value: "report" }] }];
  const declared = { ...base, metadata: { name: "reports" }, spec: { base: "batch", match } };
  const setup = { pools: { pool: endpoints(3) }, more: [declared] };
  const plain = await explained(setup, "http://a/");
  assert.equal(plain.backends[0]?.class?.name, "interactive");
  const said = await explained(setup, "http://a/", { headers: ["X-Kind: report"] });
  assert.deepEqual(
    [said.backends[0]?.class?.name, said.backends[0]?.class?.kind],
    ["default/reports", "batch"],
  );
  assert.match(
    textOf(renderRequest(said, "manifests")),
    /\nclass {5}default\/reports, priority 2, may wait 30s; /,
  );
});

test("a refusal says what came nearest", async () => {
  const rules = [
    {
      matches: [{ path: { type: "Exact", value: "/cart" }, method: "POST" }],
      backendRefs: [{ name: "pool", port: 80 }],
    },
  ];
  const said = await explained({ pools: { pool: endpoints(1) }, rules }, "GET http://a/cart");
  const lines = textOf(renderRequest(said, "manifests")).split("\n");
  assert.equal(lines[0], "would be refused with 404 no-route because no rule of default/test/http takes it");
  assert.ok(
    lines.includes("nearest   default/test/0, for path exactly /cart, method POST: method is not POST"),
    lines.join("\n"),
  );
});

test("a decision of a gateway that has started anew is not taken for the request's", () => {
  const at = Date.parse("2026-01-01T00:00:10.000Z");
  const logged = { endpoint: "a:80", decision: 7, outcome: "success", totalMs: 40 };
  const request = {
    time: new Date(at).toISOString(),
    requestId: "x",
    method: "GET",
    host: "a",
    path: "/",
    pool: "ns/s:80",
    status: 200,
    why: "complete",
    totalMs: 2_000,
    attempts: [logged],
  };
  const decision = (chosen: string, atMs: number): PastDecision => ({
    id: "ns/s:80/7",
    pool: "ns/s:80",
    at: new Date(atMs).toISOString(),
    ageMs: 0,
    prompt: undefined,
    tried: 0,
    chosen,
    reason: "turn",
    because: "",
    considered: [],
  });
  assert.ok(isOf(decision("a:80", at - 1_900), logged, request));
  assert.ok(!isOf(decision("b:80", at - 1_900), logged, request));
  assert.ok(!isOf(decision("a:80", at + 60_000), logged, request));
  assert.ok(!isOf(decision("a:80", at - 60_000), logged, request));
});
