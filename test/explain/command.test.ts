/** `plimsoll explain` as its users run it: the conclusion first, exit codes, and errors that say what was expected. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { RequestExplanation } from "../../src/app/explain-request.ts";
import { explainOptions, type ExplainFlags, type ExplainOptions } from "../../src/cli/explain.ts";
import { refusingPort } from "../kit/ports.ts";
import { command, explainStage, SPLIT, startEndpoints } from "./stage.ts";

const QUICKSTART = join(import.meta.dirname, "../../examples/quickstart");

test("on manifests alone: text, JSON, and the same with the same seed", async () => {
  const args = ["-f", QUICKSTART, "--request", "GET http://shop.example/cart?x=1", "--seed", "7"];
  const [text, json] = await Promise.all([command(...args), command(...args, "-o", "json")]);
  const explained = JSON.parse(json.out) as RequestExplanation & { readonly seed: number };
  assert.ok(explained.verdict.kind === "send");
  const { endpoint, displayName, because } = explained.verdict;
  assert.deepEqual([text.code, text.err, json.code, explained.seed], [0, "", 0, 7]);
  const lines = text.out.split("\n");
  assert.equal(lines[0], `would go to ${endpoint} (${displayName}) because ${because}`);
  assert.ok(lines.includes("pool      default/quickstart:80"), text.out);
  assert.ok(lines.includes("rule      default/quickstart/0, for path prefix /"), text.out);
  assert.match(text.out, new RegExp(`\n→ ${endpoint} +${displayName} +chosen `));
  assert.ok(lines.length <= 25, `${lines.length} lines`);
  assert.ok(!text.out.includes("\u001B"), "colour where no terminal is");
});

test("options that do not go together are named", () => {
  const flags = { header: [], output: "text" } as const;
  const saying = (more: Partial<ExplainFlags>): unknown => explainOptions({ ...flags, ...more });
  assert.match(String(saying({})), /either --request .* or --id .* is expected/);
  assert.match(String(saying({ request: "http://a/", id: "a/b:80/1" })), /^either --request/);
  assert.match(String(saying({ id: "a/b:80/1", file: ["x"] })), /^--id asks a running gateway/);
  assert.match(String(saying({ id: "a/b:80/1", header: ["a: b"] })), /describe a --request/);
  assert.match(String(saying({ request: "http://a/", seed: 1 })), /go with -f/);
  assert.match(String(saying({ request: "http://a/", accessLog: "x" })), /goes with --id/);
  assert.match(String(saying({ request: "http://a/", file: ["x"], admin: "http://b" })), /two sources/);
  assert.equal((saying({ request: "http://a/" }) as ExplainOptions).admin, "http://127.0.0.1:9900");
});

test("wrong usage is 2; what has no answer, or would be refused, is 1", async () => {
  const nobody = `http://127.0.0.1:${await refusingPort()}`;
  const cases: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
    [[], 2, /either --request/],
    [["--request", "http://a/", "--admin", "ftp://x"], 2, /such as http:\/\/127\.0\.0\.1:9900/],
    [["-f", QUICKSTART, "--request", "http://a:1/"], 1, /nothing listens on port 1 .*\nexpected one of 8080/],
    [["-f", "/nowhere", "--request", "http://a/"], 1, /nowhere:1:1: error: cannot be read/],
    [["--admin", nobody, "--request", "http://a/"], 1, /does not answer: nobody listens there\nexpected a/],
    [["--id", "what"], 1, /expected NAMESPACE\/SERVICE:PORT\/NUMBER, or a request's id with --access-log/],
  ];
  const results = await Promise.all(cases.map(([args]) => command(...args)));
  for (const [index, [args, code, says]] of cases.entries()) {
    const result = results[index]!;
    assert.equal(result.code, code, `${args.join(" ")}: ${result.err}`);
    assert.match(result.err, says);
    assert.equal(result.out, "");
  }
});

test("of a running gateway: a request, a decision, and a request out of the access log", async () => {
  const endpoints = await startEndpoints(3);
  const pools = { left: endpoints.slice(0, 2), right: endpoints.slice(2) };
  await using stage = await explainStage(endpoints, {
    pools,
    rules: SPLIT,
    policy: { balancing: { policy: "Random" } },
  });
  const { last } = await stage.send();
  const [logged] = await stage.logged();
  assert.ok(last !== undefined && logged !== undefined);
  const ask = (...args: readonly string[]) => command("--admin", stage.admin, ...args);
  const accessLog = join(stage.gateway.folder, "access.log");
  const url = `http://a.test:${stage.gateway.port}/`;
  const [request, decision, traced, unknown] = await Promise.all([
    ask("--request", `POST ${url}`, "-H", "x-user: ann", "--client", "10.0.0.9"),
    ask("--id", last.id),
    ask("--id", logged.requestId, "--access-log", accessLog),
    ask("--id", "nobody-1", "--access-log", accessLog),
  ]);
  const { verdict } = await stage.explain(`POST ${url}`);
  assert.ok(verdict.kind === "send");
  assert.ok(
    request.out.startsWith(`would go to ${verdict.endpoint} because chance drew it\n`),
    request.out + request.err,
  );
  assert.match(request.out, /\nsplit {5}a draw by weight fell on default\/(left|right):80\n/);
  assert.match(request.out, new RegExp(`POST http://a.test/ to port ${stage.gateway.port} from 10.0.0.9`));
  assert.ok(decision.out.startsWith(`went to ${last.chosen} because chance drew it\n`), decision.err);
  assert.ok(decision.out.includes(`\ndecision  ${last.id}\n`));
  assert.match(traced.out, /^GET http:\/\/a\.test\/ was answered 200 \(complete\) at /);
  assert.ok(traced.out.includes(`\nattempt 1 of 1: ${last.chosen}, success after `), traced.out);
  assert.ok(traced.out.includes(`\nwent to ${last.chosen} because chance drew it\n`), traced.out);
  assert.deepEqual([request.code, decision.code, traced.code, unknown.code], [0, 0, 0, 1]);
  assert.match(unknown.err, /no request nobody-1 in /);
});
