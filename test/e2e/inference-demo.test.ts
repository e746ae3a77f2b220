/**
 * `plimsoll demo --inference` as people run it: both fleets answer, the summary has them side by side, and nothing stays behind.
 *
 * Its ports are fixed; where one is taken the test is skipped, and says so.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";
import { takenPorts } from "../../src/cli/demo/free-ports.ts";
import { ADMIN_PORT, FLEETS } from "../../src/cli/demo/inference/fleets.ts";
import { waitUntil } from "../kit/wait.ts";

const ports = [
  ADMIN_PORT,
  ...FLEETS.flatMap(({ gatewayPort, enginePorts, eventPorts }) => [
    gatewayPort,
    ...enginePorts,
    ...(eventPorts === undefined ? [] : [eventPorts.publish, eventPorts.replay]),
  ]),
].map((port) => ({ port, use: "the demo" }));
const taken = await takenPorts(ports);
const skip = taken.length > 0 ? `port ${taken[0]!.port} is taken` : false;
const main = path.join(import.meta.dirname, "../../src/cli/main.ts");

interface Run {
  readonly code: number | null;
  readonly output: string;
}

async function run(seconds: number, stop?: NodeJS.Signals): Promise<Run> {
  const child = spawn(process.execPath, [
    main,
    "demo",
    "--inference",
    "--plain",
    "--seconds",
    String(seconds),
  ]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const closed = once(child, "close") as Promise<[number | null]>;
  if (stop !== undefined) {
    await waitUntil(() => output.includes("req/s"), "the first line", 30_000);
    child.kill(stop);
  }
  const [code] = await closed;
  return { code, output };
}

async function assertNothingIsLeft(): Promise<void> {
  await waitUntil(async () => (await takenPorts(ports)).length === 0, "all ports free again");
}

test("both fleets answer the same conversations, and it ends by itself", { skip }, async () => {
  const { code, output } = await run(12);
  assert.equal(code, 0, output);
  const [, ours, theirs] = /^requests +(\d+) +(\d+)$/m.exec(output) ?? [];
  assert.ok(Number(ours) > 20 && Number(theirs) > 20, output);
  assert.match(output, /^prompt tokens cached +\d+% +\d+%$/m);
  for (const scene of ["cold start", "one slow", "one crashed"])
    assert.match(output, new RegExp(`^${scene} `, "m"));
  await assertNothingIsLeft();
});

test("it ends on SIGTERM, and sums up", { skip }, async () => {
  const { code, output } = await run(60, "SIGTERM");
  assert.equal(code, 0, output);
  assert.match(output, /In all, \d+ s/);
  await assertNothingIsLeft();
});
