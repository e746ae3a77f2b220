/**
 * Tables of messages and what our codec must make of them, each row checked whole, cut in two at every place, and a
 * byte at a time: how bytes come must not matter. What is accepted must also obey the law of forwarding.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAnswerForwardedAlike, assertForwardedAlike } from "./forwarding.ts";
import {
  cutEverywhere,
  readRequests,
  readResponses,
  type OurRequest,
  type OurResponse,
} from "./our-reading.ts";
import type { Reading } from "./reading.ts";

/** A row: its name, its bytes (latin1), and what is expected. */
export type Refused = readonly [name: string, bytes: string, fault: string, refusal?: string];
export type Accepted<Message> = readonly [name: string, bytes: string, ...messages: Partial<Message>[]];

/** Beyond this, two-piece cuts are tried only at the first bytes; the rest of such a row is filling. */
const CUTS_MAX = 600;

type Read<Message> = (bytes: Buffer, cuts?: readonly number[]) => Reading<Message>;

export function refusesRequests(title: string, rows: readonly Refused[]): void {
  refuses(title, rows, readRequests);
}

export function refusesResponses(title: string, rows: readonly Refused[], method = "GET"): void {
  refuses(title, rows, (bytes, cuts) => readResponses(bytes, [method], true, cuts), "bad-response");
}

export function acceptsRequests(title: string, rows: readonly Accepted<OurRequest>[]): void {
  accepts(title, rows, readRequests, assertForwardedAlike);
}

/** The row's messages answer requests of this method, and the connection closes after its bytes. */
export function acceptsResponses(
  title: string,
  rows: readonly Accepted<OurResponse>[],
  method = "GET",
): void {
  const read: Read<OurResponse> = (bytes, cuts) => readResponses(bytes, [method, method, method], true, cuts);
  accepts(title, rows, read, (message) => assertAnswerForwardedAlike(message, method));
}

function refuses<Message>(
  title: string,
  rows: readonly Refused[],
  read: Read<Message>,
  usually = "bad-request",
): void {
  test(`${title}: ${rows.length} refused`, async (t) => {
    for (const [name, text, fault, refusal] of rows) {
      await t.test(name, () => {
        const bytes = Buffer.from(text, "latin1");
        const { stop } = read(bytes);
        assert.equal(stop.kind, "refused", `accepted or waiting: ${stop.kind}`);
        if (stop.kind !== "refused") return;
        // A fault in a body comes after its head was taken, so that it has no refusal of its own.
        if (stop.refusal !== "body") assert.equal(stop.refusal, refusal ?? usually);
        assert.equal(stop.fault, fault);
        for (const cuts of waysToCut(bytes)) assert.deepEqual(read(bytes, cuts).stop, stop, cutAt(cuts));
      });
    }
  });
}

function accepts<Message extends object>(
  title: string,
  rows: readonly Accepted<Message>[],
  read: Read<Message>,
  assertForwarded: (message: Message) => void,
): void {
  test(`${title}: ${rows.length} accepted`, async (t) => {
    for (const [name, text, ...expected] of rows) {
      await t.test(name, () => {
        const bytes = Buffer.from(text, "latin1");
        const whole = read(bytes);
        assert.notEqual(whole.stop.kind, "refused", JSON.stringify(whole.stop));
        assert.equal(whole.messages.length, expected.length);
        for (const [i, message] of expected.entries()) {
          assert.partialDeepStrictEqual(whole.messages[i], { whole: true, ...message });
        }
        for (const message of whole.messages) assertForwarded(message);
        for (const cuts of waysToCut(bytes)) assert.deepEqual(read(bytes, cuts), whole, cutAt(cuts));
      });
    }
  });
}

function cutAt(cuts: readonly number[]): string {
  return cuts.length === 1 ? `cut at ${cuts[0]}` : "a byte at a time";
}

function waysToCut(bytes: Buffer): number[][] {
  const everywhere = cutEverywhere(bytes);
  const inTwo = everywhere.slice(0, CUTS_MAX).map((cut) => [cut]);
  return bytes.length <= CUTS_MAX ? [...inTwo, everywhere] : inTwo;
}
