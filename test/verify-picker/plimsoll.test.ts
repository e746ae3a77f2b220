/**
 * Our own picker, the real program, held against the whole suite by the real command: in the clear and over TLS, with what it takes to ask
 * every question.
 */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { GrpcConnection } from "../../src/edge/extproc-client/grpc-connection.ts";
import { PickerStream, PROCESS_PATH } from "../../src/edge/extproc-client/picker-stream.ts";
import { PROMPT_BYTES_MAX } from "../../src/app/inference/prompt-intake.ts";
import { SUITE } from "../../src/cli/verify-picker/suite.ts";
import { askFullDuplex, FULL_DUPLEX } from "../../src/cli/verify-picker/dialogue.ts";
import { chatBody, requestHeaders } from "../../src/cli/verify-picker/requests.ts";
import { startPicker } from "../e2e/picker.ts";
import { quietPort, runToEnd } from "../gateway/life/process.ts";
import { within } from "../kit/wait.ts";
import { ONE_AT_A_TIME } from "../kit/picker/chat-pool.ts";
import { startScriptedPicker } from "../kit/picker/scripted-picker.ts";
import { verifySettings } from "./settings.ts";

interface Report {
  readonly ok: boolean;
  readonly brokenRules: readonly number[];
  readonly checks: readonly {
    readonly name: string;
    readonly result: string;
    readonly note?: string;
    readonly slowestReplyMs?: number;
    readonly transcripts?: readonly (readonly { readonly from: string; readonly text: string }[])[];
  }[];
}

/** Nobody listens there: a picker chooses, and what it chooses is never called. */
const PORTS = [8201, 8202, 8203, 8204, 8205, 8206, 8207, 8208];

test("the suite passes whole, with nothing left out but TLS", async () => {
  const healthPort = await quietPort();
  const flags = ["--ext-proc-health", `127.0.0.1:${healthPort}`];
  await using picker = await startPicker({ ports: PORTS, more: ONE_AT_A_TIME, flags });
  // Its class may have one under way: while this one is, the next is dropped.
  const connection = await GrpcConnection.open({ host: "127.0.0.1", port: picker.port, tls: false }, 5000);
  const settings = verifySettings(picker.port, { headers: [["x-drop", "1"]] });
  const held = new PickerStream(connection.call(PROCESS_PATH));
  const opening = { headers: requestHeaders(settings), endOfStream: false, modes: FULL_DUPLEX };
  const verdict = await askFullDuplex(held, settings, { ...opening, chunks: [chatBody(settings)] });
  assert.equal(verdict.kind, "sent");
  try {
    const words = [
      "verify-picker",
      `127.0.0.1:${picker.port}`,
      "--output",
      "json",
      "--health",
      `127.0.0.1:${healthPort}`,
    ];
    words.push("--subset", picker.endpoints.join(","), "--shed", "x-drop: 1", "--streams", "300");
    words.push("--body-limit", String(PROMPT_BYTES_MAX));
    const { code, stdout, stderr } = await runToEnd(words);
    assert.equal(stderr, "");
    const report = JSON.parse(stdout) as Report;
    assert.deepEqual(
      report.checks.filter(({ result }) => result !== "passed").map(({ name, note }) => [name, note]),
      [["tls", "asked in the clear; --tls asks over TLS"]],
    );
    assert.equal(report.checks.length, SUITE.length);
    assert.equal(code, 0);
  } finally {
    connection.close();
  }
});

test("over TLS with a certificate made at the start", async () => {
  await using picker = await startPicker({ ports: PORTS, flags: ["--ext-proc-tls", "self-signed"] });
  const only =
    "tls,health-names,headers-only,full-duplex-large-body,buffered,half-close,sse-response,subset-list";
  const words = ["verify-picker", `127.0.0.1:${picker.port}`, "--tls", "--only", only];
  const { code, stdout } = await runToEnd(words);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^8 passed, 0 failed, 0 skipped$/m);
});

test("calls carry the metadata they are told to: here, the pool's name", async () => {
  await using picker = await startPicker({ ports: PORTS });
  const words = ["verify-picker", `127.0.0.1:${picker.port}`, "--only", "headers-only,buffered"];
  const right = await runToEnd([...words, "--call-header", "x-gateway-inference-pool: default/chat"]);
  assert.equal(right.code, 0, right.stdout);
  const wrong = await runToEnd([...words, "--call-header", "x-gateway-inference-pool: default/none"]);
  assert.equal(wrong.code, 1, wrong.stdout);
  assert.match(wrong.stdout, /^0 passed, 2 failed, 0 skipped$/m);
});

test("what is no HTTP/2 on the port is turned away, and the picker goes on serving", async () => {
  await using picker = await startPicker({ ports: PORTS });
  const garbage = [
    "GET / HTTP/1.1\r\nHost: picker\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    "\0".repeat(100_000),
  ];
  for (const bytes of garbage) {
    const socket = connect(picker.port, "127.0.0.1");
    socket.on("error", () => undefined);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.resume();
    socket.write(Buffer.from(bytes, "latin1"));
    await within(closed, `the end of a connection that sent ${JSON.stringify(bytes.slice(0, 20))}`);
  }
  const { code, stdout } = await runToEnd([
    "verify-picker",
    `127.0.0.1:${picker.port}`,
    "--only",
    "headers-only,full-duplex-one-chunk",
  ]);
  assert.equal(code, 0, stdout);
});

test("a broken picker: exit code 1, the rule, and the transcript of what was said", async () => {
  await using picker = await startScriptedPicker({ faults: ["always-defers"] });
  const address = ["verify-picker", picker.address, "--timeout", "300ms", "--only", "buffered,headers-only"];
  const text = await runToEnd(address);
  assert.equal(text.code, 1);
  assert.match(text.stdout, /✗ buffered +test 4, rule 2/);
  assert.match(text.stdout, /waits for ever: no header reply within 300 ms/);
  assert.match(text.stdout, /→ request_headers .*protocol_config=BUFFERED\/NONE/);
  assert.match(text.stdout, /1 passed, 1 failed, 0 skipped\nbreaks rule 2: /);
  const json = await runToEnd([...address, "-o", "json"]);
  const report = JSON.parse(json.stdout) as Report;
  assert.deepEqual([json.code, report.ok, report.brokenRules], [1, false, [2]]);
  const failed = report.checks.find(({ result }) => result === "failed");
  assert.deepEqual(
    failed?.transcripts?.[0]?.map(({ from }) => from),
    ["gateway", "picker", "gateway"],
  );
});

test("nobody there, and wrong usage", async () => {
  const port = await quietPort();
  const absent = await runToEnd([
    "verify-picker",
    `127.0.0.1:${port}`,
    "--only",
    "headers-only",
    "--timeout",
    "1s",
  ]);
  assert.equal(absent.code, 1);
  assert.equal(absent.stdout, "");
  assert.match(absent.stderr, new RegExp(`no picker there: http://127.0.0.1:${port}: connect ECONNREFUSED`));
  const wrong = await runToEnd(["verify-picker", `127.0.0.1:${port}`, "--only", "headers"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /no such check as "headers"; known: 1 to 15, tls, /);
  assert.equal((await runToEnd(["verify-picker", "127.0.0.1"])).code, 2);
});
