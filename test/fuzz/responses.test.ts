/**
 * Random response streams, read by us and by Node. Node's client reads one answer at a time, so it is given each at
 * the place where ours began it: whole, when it must read the same, and short of its last byte, when it must wait.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { UNTIL_CLOSE } from "../../src/edge/http/wire/framing.ts";
import { createPrng } from "../../src/std/prng.ts";
import { assertSameMessage } from "./agreement.ts";
import { assertAnswerForwardedAlike } from "./forwarding.ts";
import { chance, oneOf, responseStream } from "./generate.ts";
import { cutsOf, mutate } from "./mutate.ts";
import { readAnswersByNode, type AnswerStream } from "./node-reading.ts";
import { readResponses, type OurReading, type OurResponse } from "./our-reading.ts";
import type { Reading, ResponseReading } from "./reading.ts";
import { BATCH, FUZZ_RUNS, FUZZ_SEED } from "./settings.ts";

/** The interim responses to one request, and the final one if it has begun. */
interface Answer extends AnswerStream {
  readonly messages: readonly OurResponse[];
}

test("what we accept of a response stream, Node reads the same", async (t) => {
  const prng = createPrng(FUZZ_SEED + 1);
  const counts = { streams: 0, accepted: 0, acceptedByNode: 0, messages: 0 };
  while (counts.streams < FUZZ_RUNS) {
    const batch = Array.from({ length: BATCH }, () => {
      const methods = Array.from({ length: 1 + prng.below(3) }, () =>
        oneOf(prng, ["GET", "GET", "POST", "HEAD"]),
      );
      const plain = responseStream(prng, methods);
      const bytes = chance(prng, 0.6) ? mutate(prng, plain) : plain;
      const closed = chance(prng, 0.7);
      const ours = readResponses(bytes, methods, closed);
      const again = readResponses(bytes, methods, closed, cutsOf(prng, bytes));
      return { bytes, ours, again, answers: answersOf(bytes, ours, methods, closed) };
    });
    const answers = batch.flatMap((each) => each.answers);
    const byNode = await readAnswersByNode(answers);
    const shortByNode = await readAnswersByNode(
      answers.map((each) => ({ ...each, bytes: each.bytes.subarray(0, -1), closed: false })),
    );
    const wholeByNode = await readAnswersByNode(
      batch.map(({ bytes, answers: [first] }) => ({ bytes, method: first?.method ?? "GET", closed: true })),
    );
    let next = 0;
    for (const [i, { bytes, ours, again, answers: mine }] of batch.entries()) {
      try {
        assert.deepEqual(again, ours, "cut");
        for (const answer of mine) {
          assertSameAnswer(answer, byNode[next]!, shortByNode[next]!);
          for (const message of answer.messages) {
            if (message.whole) assertAnswerForwardedAlike(message, answer.method);
          }
          next++;
        }
      } catch (error) {
        t.diagnostic(
          `seed ${FUZZ_SEED}, stream ${counts.streams}: ${JSON.stringify(bytes.toString("latin1"))}`,
        );
        throw error;
      }
      counts.streams++;
      counts.messages += ours.messages.length;
      if (ours.stop.kind !== "refused" && ours.messages.length > 0) counts.accepted++;
      if (wholeByNode[i]!.stop.kind !== "refused") counts.acceptedByNode++;
    }
  }
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.accepted * 3 >= counts.streams, "too little is accepted for the law to mean anything");
});

/** The stream as our reading divides it among the requests. */
function answersOf(
  bytes: Buffer,
  { messages, ends }: OurReading<OurResponse>,
  methods: readonly string[],
  closed: boolean,
): Answer[] {
  const answers: Answer[] = [];
  let start = 0;
  let group: OurResponse[] = [];
  for (const [i, message] of messages.entries()) {
    group.push(message);
    const isFinal = message.status >= 200 || message.status === 101;
    if (!isFinal && i < messages.length - 1) continue;
    const end = isFinal && message.whole ? ends[i]! : bytes.length;
    const untilClose = message.whole && message.bodyLength === UNTIL_CLOSE;
    const slice = bytes.subarray(start, end);
    const method = methods[answers.length]!;
    answers.push({ bytes: slice, method, closed: untilClose && closed, messages: group });
    start = end;
    group = [];
  }
  return answers;
}

function assertSameAnswer(
  { messages }: Answer,
  node: Reading<ResponseReading>,
  short: Reading<ResponseReading>,
): void {
  for (const [i, mine] of messages.entries()) {
    const theirs = node.messages[i];
    assert.ok(theirs, `Node has ${node.messages.length} of ${messages.length}: ${JSON.stringify(node.stop)}`);
    assert.deepEqual([theirs.status, theirs.reason], [mine.status, mine.reason], `status of ${i}`);
    assert.equal(theirs.minorVersion, mine.minorVersion);
    assertSameMessage(mine, theirs, `response ${i}`);
    if (mine.status === 101) return;
  }
  const last = messages.at(-1)!;
  const isFinal = last.status >= 200;
  if (isFinal) assert.equal(node.messages.length, messages.length, "Node reads on where we stop");
  if (isFinal && last.whole && last.bodyLength !== UNTIL_CLOSE) {
    assert.notEqual(short.messages[messages.length - 1]?.whole, true, "Node ends the last response earlier");
  }
}
