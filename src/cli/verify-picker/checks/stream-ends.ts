/**
 * Streams that end otherwise than by going through every phase: half-closed, reset, or with bytes that are no message.
 *
 * Whether a picker gives back what it had counted for a stream that was reset cannot be seen from outside; that it goes on serving can.
 */
import type { PickerStream } from "../../../edge/extproc-client/picker-stream.ts";
import type { Check } from "../check.ts";
import { mustHold, Skip } from "../fault.ts";
import { destinationOf } from "../destination.ts";
import {
  ask,
  askFullDuplex,
  bodyMessage,
  FULL_DUPLEX,
  mustBeSent,
  mustNotRefuse,
  openingMessage,
} from "../dialogue.ts";
import { chatBody, requestHeaders, split } from "../requests.ts";
import { JSON_HEAD, respondHeaders } from "../response-dialogue.ts";
import type { Stand } from "../stand.ts";
import { mustEnd } from "./body-modes.ts";

const RESETS_PER_PHASE = 20;

export const halfClose: Check = {
  name: "half-close",
  test: 8,
  rule: 9,
  title: "a client that sends everything and half-closes gets every reply, then the end with status 0",
  run: async (stand) => {
    const { settings } = stand;
    const stream = await stand.stream();
    const verdict = await askFullDuplex(stream, settings, {
      headers: requestHeaders(settings),
      valuesIn: "value",
      endOfStream: false,
      chunks: [chatBody(settings)],
      thenHalfClose: true,
    });
    destinationOf(mustBeSent(verdict).headers);
    await mustEnd(stream, settings, 9);
  },
};

type Phase = (stand: Stand, stream: PickerStream) => Promise<void>;

const afterHeaders: Phase = async ({ settings }, stream) => {
  await stream.send(
    openingMessage({ headers: requestHeaders(settings), endOfStream: false, modes: FULL_DUPLEX }),
  );
};
const withinBody: Phase = async (stand, stream) => {
  await afterHeaders(stand, stream);
  await stream.send(bodyMessage("request", split(chatBody(stand.settings), 2)[0]!, false));
};
const afterDecision: Phase = async ({ settings }, stream) => {
  const headers = requestHeaders(settings);
  const chunks = [chatBody(settings)];
  await askFullDuplex(stream, settings, { headers, endOfStream: false, modes: FULL_DUPLEX, chunks });
};
const withinResponse: Phase = async (stand, stream) => {
  await afterDecision(stand, stream);
  try {
    await respondHeaders(stream, stand.settings, JSON_HEAD, { endOfStream: false });
  } catch (error) {
    if (!(error instanceof Skip)) throw error;
  }
  await stream.send(bodyMessage("response", Buffer.from('{"id":'), false));
};

export const resetInEachPhase: Check = {
  name: "reset-in-each-phase",
  test: 8,
  rule: 9,
  title: "streams that are reset in any phase leave the picker serving on the same connection",
  run: async (stand) => {
    const connection = await stand.connection();
    for (const phase of [afterHeaders, withinBody, afterDecision, withinResponse]) {
      for (let count = 0; count < RESETS_PER_PHASE; count += 1) {
        const stream = await stand.stream();
        await phase(stand, stream);
        stream.reset();
      }
    }
    await mustStillServe(stand);
    mustHold(connection.lostBecause === undefined, `the connection was lost: ${connection.lostBecause}`);
  },
};

export const garbage: Check = {
  name: "garbage-message",
  test: 8,
  rule: 1,
  title: "bytes that are no message end that stream with an error, and no other",
  run: async (stand) => {
    const { settings } = stand;
    const connection = await stand.connection();
    const other = await stand.stream();
    void other.send(
      openingMessage({ headers: requestHeaders(settings), endOfStream: false, modes: FULL_DUPLEX }),
    );
    const stream = await stand.stream();
    void stream.sendBytes(Buffer.from([0x12, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x07, 0x07]));
    const event = await stream.next(settings.timeoutMs);
    mustHold(
      event.kind !== "silence",
      `waits for ever: no end of the stream within ${settings.timeoutMs} ms`,
    );
    mustHold(event.kind === "end" && event.status !== 0, "did not end the stream with an error");
    mustHold(
      connection.lostBecause === undefined,
      `lost the connection and every stream on it: ${connection.lostBecause}`,
    );
    mustHold(!other.ended, "ended another stream as well");
    await mustStillServe(stand);
  },
};

export async function mustStillServe(stand: Stand): Promise<void> {
  const reply = await ask(await stand.stream(), stand.settings, {
    headers: requestHeaders(stand.settings, { method: "GET" }),
    endOfStream: true,
  });
  destinationOf(mustNotRefuse(reply).common.headers);
}
