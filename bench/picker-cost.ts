/**
 * What the endpoint picker costs: processor time per request by length of prompt, and where it goes.
 *
 * `node bench/picker-cost.ts [requests=1500] [endpoints=100] [concurrency=16] [events=100]`
 *
 * The picker is a process of its own (RunningGateway with one InferencePool, access log off); this process is the gateway,
 * in full duplex, and sends chunks of 16 KiB as Envoy does. Half of each prompt is common to all, the rest its own. Each
 * request is answered in two ways: not at all (the stream is reset after the decision), and by a stream of `events` events,
 * one message each. Times are of the picker's process by getrusage, all its threads included; shares are those of a sampling profile.
 * Idle: nothing is asked for five seconds.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, constants, type ClientHttp2Session } from "node:http2";
import { runPicker, type PickerAnswer, type PickerOrder } from "./lib/picker-process.ts";
import { number, textTable, type Column } from "./lib/table.ts";
import { encodeRequest } from "../src/edge/extproc-client/encode-request.ts";
import type { ProcessingRequest } from "../src/edge/extproc-client/messages.ts";

const CHUNK_BYTES = 16_384;
const BYTES_PER_TOKEN = 4;
const BODIES = 32;
const IDLE_MS = 5_000;
/** By then what is used is compiled, as in a process that has served for a minute. */
const WARM_UP_REQUESTS = 1_500;

const [requests = 1_500, endpoints = 100, concurrency = 16, events = 100] = process.argv.slice(2).map(Number);

async function measure(): Promise<void> {
  const child = fork(import.meta.filename, [String(endpoints)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  try {
    const { port } = await answerOf(child);
    const session = connect(`http://127.0.0.1:${port}`, {
      maxSessionMemory: 512,
      settings: { initialWindowSize: 1 << 24 },
    });
    await once(session, "remoteSettings");
    session.setLocalWindowSize(1 << 26);
    for (const tokens of [1_000, 10_000]) {
      const bodies = [framesOf(tokens, 0, 0), framesOf(tokens, 0, events)];
      await run(session, bodies, WARM_UP_REQUESTS);
    }
    const idle = await idleShare(child);
    const lines: Line[] = [];
    for (const tokens of [1_000, 10_000, 100_000]) {
      for (const answered of [0, events]) {
        const bodies = Array.from({ length: BODIES }, (_, index) => framesOf(tokens, index, answered));
        const count = tokens > 50_000 ? Math.ceil(requests / 3) : requests;
        await run(session, bodies, Math.ceil(count / 3));
        // A profile costs time itself, so that the two are apart.
        await tell(child, { kind: "begin", profile: false });
        await run(session, bodies, count);
        const { cpuMs = 0 } = await tell(child, { kind: "end" });
        await tell(child, { kind: "begin", profile: true });
        await run(session, bodies, Math.ceil(count / 2));
        const { shares = {} } = await tell(child, { kind: "end" });
        const perRequest = cpuMs / count;
        const where = Object.entries(shares)
          .toSorted(([, a], [, b]) => b - a)
          .map(([name, share]) => `${name} ${(share * perRequest).toFixed(2)}`)
          .join(", ");
        lines.push({ tokens, answered, perRequest, where });
      }
    }
    console.log(`idle with ${endpoints} endpoints: ${(idle * 100).toFixed(2)} % of a core`);
    console.log(textTable(COLUMNS, lines));
    session.destroy();
  } finally {
    child.kill();
  }
}

interface Line {
  readonly tokens: number;
  readonly answered: number;
  /** [ms] */
  readonly perRequest: number;
  readonly where: string;
}

const COLUMNS: readonly Column<Line>[] = [
  { head: "tokens", cell: ({ tokens }) => String(tokens) },
  { head: "events", cell: ({ answered }) => String(answered) },
  { head: "ms per request", cell: ({ perRequest }) => number(perRequest, 3) },
  { head: "of that [ms]", cell: ({ where }) => where },
];

async function idleShare(child: ChildProcess): Promise<number> {
  await tell(child, { kind: "begin", profile: false });
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const { cpuMs = 0 } = await tell(child, { kind: "end" });
  return cpuMs / IDLE_MS;
}

async function answerOf(child: ChildProcess): Promise<PickerAnswer> {
  const [message] = (await once(child, "message")) as [PickerAnswer];
  return message;
}

function tell(child: ChildProcess, order: PickerOrder): Promise<PickerAnswer> {
  const answer = answerOf(child);
  child.send(order);
  return answer;
}

/** One request as it goes over the wire: what is sent at once, and what follows the decision. */
interface Frames {
  readonly request: Buffer;
  readonly answer: Buffer | undefined;
  /** Messages that the picker says in all. */
  readonly replies: number;
}

function framesOf(tokens: number, index: number, answered: number): Frames {
  const body = bodyOf(tokens * BYTES_PER_TOKEN, index);
  const parts: ProcessingRequest[] = [
    {
      part: {
        kind: "headers",
        side: "request",
        headers: HEADERS,
        valuesIn: "raw_value",
        endOfStream: false,
      },
      protocolConfig: { requestBody: "FULL_DUPLEX_STREAMED", responseBody: "FULL_DUPLEX_STREAMED" },
    },
  ];
  for (let at = 0; at < body.length; at += CHUNK_BYTES) {
    const endOfStream = at + CHUNK_BYTES >= body.length;
    parts.push({
      part: { kind: "body", side: "request", body: body.subarray(at, at + CHUNK_BYTES), endOfStream },
    });
  }
  const replies = 1 + Math.ceil(body.length / 62_000);
  const request = Buffer.concat(parts.map(frameOf));
  if (answered === 0) return { request, answer: undefined, replies };
  return { request, answer: answerOfEvents(answered), replies: replies + 1 + answered };
}

const HEADERS: readonly (readonly [string, string])[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":authority", "models.example.com"],
  [":path", "/v1/chat/completions"],
  ["content-type", "application/json"],
  ["accept", "*/*"],
  ["accept-encoding", "gzip, deflate"],
  ["user-agent", "OpenAI/Python 2.8.1"],
  ["authorization", "Bearer sk-0123456789abcdef0123456789abcdef"],
  ["x-stainless-lang", "python"],
  ["x-stainless-runtime-version", "3.12.4"],
  ["x-forwarded-for", "192.0.2.7"],
  ["x-forwarded-proto", "https"],
  ["x-request-id", "6f2f0d2e-2b1c-4b55-9a3c-0f6f6f1f8a11"],
];

function bodyOf(bytes: number, index: number): Buffer {
  const words =
    "the load of a ship is known by a line that is painted on its side and seen by all who care ".repeat(
      Math.ceil(bytes / 90),
    );
  const system = words.slice(0, bytes / 2);
  const user = `request ${index}: ${words.slice(0, bytes / 2)}`;
  return Buffer.from(
    JSON.stringify({
      model: "meta-llama/Llama-3.1-8B-Instruct",
      messages: [
        { role: "system", content: system },
        { role: "user", content: user },
      ],
      stream: true,
      max_tokens: 256,
    }),
  );
}

function answerOfEvents(count: number): Buffer {
  const parts: ProcessingRequest[] = [
    {
      part: {
        kind: "headers",
        side: "response",
        headers: [
          [":status", "200"],
          ["content-type", "text/event-stream; charset=utf-8"],
        ],
        valuesIn: "raw_value",
        endOfStream: false,
      },
    },
  ];
  for (let index = 0; index < count; index++) {
    const isLast = index === count - 1;
    const event = JSON.stringify({
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      created: 1_700_000_000,
      model: "meta-llama/Llama-3.1-8B-Instruct",
      choices: [{ index: 0, delta: { content: " word" }, logprobs: null, finish_reason: null }],
    });
    const body = Buffer.from(`data: ${isLast ? "[DONE]" : event}\n\n`);
    parts.push({ part: { kind: "body", side: "response", body, endOfStream: isLast } });
  }
  return Buffer.concat(parts.map(frameOf));
}

function frameOf(request: ProcessingRequest): Buffer {
  const message = encodeRequest(request);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

async function run(session: ClientHttp2Session, bodies: readonly Frames[], count: number): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await exchange(session, bodies[next++ % bodies.length]!);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

/** Resolves when the picker has said all that it owes; then the stream is reset, as Envoy does. */
function exchange(session: ClientHttp2Session, { request, answer, replies }: Frames): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": "POST",
      ":path": "/envoy.service.ext_proc.v3.ExternalProcessor/Process",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const decided = answer === undefined ? replies : 1;
    let heard = 0;
    let need = 5;
    let prefix = Buffer.alloc(0);
    let isAnswered = false;
    const onMessage = (): void => {
      heard++;
      if (answer !== undefined && !isAnswered && heard === decided) {
        isAnswered = true;
        stream.write(answer);
      }
      if (heard === replies) stream.close(constants.NGHTTP2_CANCEL);
    };
    stream.on("data", (chunk: Buffer) => {
      let at = 0;
      while (at < chunk.length) {
        if (prefix.length < 5) {
          const more = Math.min(5 - prefix.length, chunk.length - at);
          prefix = Buffer.concat([prefix, chunk.subarray(at, at + more)]);
          at += more;
          if (prefix.length < 5) return;
          need = prefix.readUInt32BE(1);
        }
        const more = Math.min(need, chunk.length - at);
        need -= more;
        at += more;
        if (need > 0) return;
        prefix = Buffer.alloc(0);
        onMessage();
      }
    });
    stream.on("error", () => {});
    stream.on("close", () =>
      heard === replies
        ? resolve()
        : reject(new Error(`the stream ended after ${heard} of ${replies} replies`)),
    );
    stream.write(request);
  });
}

// Last, for what is above must be there.
if (process.send === undefined) await measure();
else await runPicker(Number(process.argv[2]));
