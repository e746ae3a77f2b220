/**
 * Random request streams, read by us and by Node. See `agreement.ts` for the law.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPrng } from "../../src/std/prng.ts";
import { assertSameRequests } from "./agreement.ts";
import { assertForwardedAlike } from "./forwarding.ts";
import { chance, requestStream } from "./generate.ts";
import { cutsOf, mutate } from "./mutate.ts";
import { readRequestsByNode } from "./node-reading.ts";
import { readRequests } from "./our-reading.ts";
import { BATCH, FUZZ_RUNS, FUZZ_SEED } from "./settings.ts";

test("what we accept of a request stream, Node reads the same", async (t) => {
  const prng = createPrng(FUZZ_SEED);
  const counts = { streams: 0, accepted: 0, acceptedByNode: 0, messages: 0, narrower: 0 };
  while (counts.streams < FUZZ_RUNS) {
    const batch = Array.from({ length: BATCH }, () => {
      const plain = requestStream(prng);
      const bytes = chance(prng, 0.6) ? mutate(prng, plain) : plain;
      return { bytes, ours: readRequests(bytes), cuts: cutsOf(prng, bytes) };
    });
    const byNode = await readRequestsByNode(batch.map(({ bytes }) => bytes));
    const passedOn = batch.map(({ ours }) =>
      ours.messages.filter(({ whole }) => whole).map((each) => each.forwardedHead + each.forwardedBody),
    );
    const forwarded = passedOn.map((texts) => Buffer.from(texts.join(""), "latin1"));
    const forwardedByNode = await readRequestsByNode(forwarded);
    for (const [i, { bytes, ours, cuts }] of batch.entries()) {
      try {
        if (assertSameRequests(ours, byNode[i]!) === "narrower") counts.narrower++;
        assert.deepEqual(readRequests(bytes, cuts), ours, `cut at ${cuts.join()}`);
        for (const message of ours.messages) if (message.whole) assertForwardedAlike(message);
        assertSameRequests(readRequests(forwarded[i]!), forwardedByNode[i]!);
      } catch (error) {
        t.diagnostic(
          `seed ${FUZZ_SEED}, stream ${counts.streams}: ${JSON.stringify(bytes.toString("latin1"))}`,
        );
        throw error;
      }
      counts.streams++;
      counts.messages += ours.messages.length;
      if (ours.stop.kind !== "refused" && ours.messages.length > 0) counts.accepted++;
      if (byNode[i]!.stop.kind !== "refused" && byNode[i]!.messages.length > 0) counts.acceptedByNode++;
    }
  }
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.accepted * 3 >= counts.streams, "too little is accepted for the law to mean anything");
});
