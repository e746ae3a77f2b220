/**
 * What a picker must refuse, with which status.
 */
import { headerText } from "../../../edge/extproc-client/messages.ts";
import type { Check } from "../check.ts";
import { Fault, mustHold, Skip } from "../fault.ts";
import {
  askFullDuplex,
  bodyMessage,
  FULL_DUPLEX,
  nameOf,
  openingMessage,
  replyIn,
  type Immediate,
} from "../dialogue.ts";
import { chatBody, requestHeaders } from "../requests.ts";
import type { Stand } from "../stand.ts";

const DROP_REASON = "x-llm-d-request-dropped-reason";
/** Of a chat's body: within the quotes of the prompt. */
const BODY_END_BYTES = '"}],"max_tokens":16}'.length;
const PART = Buffer.alloc(64 * 1024, "x");

export const invalidJson: Check = {
  name: "invalid-json",
  test: 6,
  rule: 8,
  title: "a body that is no JSON is refused with 400",
  run: async (stand) => {
    const { status } = await mustRefuse(stand, Buffer.from('{"model": "m", "messages": [{'), []);
    mustHold(status === 400, `refused with ${status} instead of 400`);
  },
};

export const shed: Check = {
  name: "shed",
  test: 6,
  rule: 8,
  title: "a request that is dropped on purpose is refused with 429 and the reason",
  run: async (stand) => {
    const { settings } = stand;
    if (settings.shed.length === 0)
      throw new Skip("name a header of requests that this picker drops with --shed");
    const { status, headers } = await mustRefuse(stand, chatBody(settings), settings.shed);
    mustHold(status === 429, `refused with ${status} instead of 429`);
    const reason = headers.set.find(({ name }) => name.toLowerCase() === DROP_REASON);
    mustHold(reason !== undefined && headerText(reason) !== "", `does not say why in ${DROP_REASON}`);
  },
};

export const oversize: Check = {
  name: "oversize",
  test: 6,
  rule: 8,
  title: "a body above the picker's limit is refused with 413 before it has ended",
  run: async (stand) => {
    const { settings } = stand;
    const { bodyBytesMax, timeoutMs } = settings;
    if (bodyBytesMax === undefined) throw new Skip("tell the picker's limit with --body-limit");
    const stream = await stand.stream();
    void stream.send(
      openingMessage({ headers: requestHeaders(settings), endOfStream: false, modes: FULL_DUPLEX }),
    );
    // Sound as far as it goes, so that its length is all there is to refuse.
    const begin = chatBody(settings).subarray(0, -BODY_END_BYTES);
    void stream.send(bodyMessage("request", begin, false));
    // Half as much again, without an end; a picker that refuses need not read what is still on its way.
    for (let bytes = 0; bytes < bodyBytesMax * 1.5 && !stream.ended; bytes += PART.length) {
      await Promise.race([stream.send(bodyMessage("request", PART, false)), pause(timeoutMs)]);
    }
    const { answer } = replyIn(await stream.next(timeoutMs), "refusal");
    if (answer.kind !== "immediate") throw new Fault(`replied ${nameOf(answer)} instead of refusing`);
    mustHold(answer.status === 413, `refused with ${answer.status} instead of 413`);
  },
};

async function mustRefuse(
  stand: Stand,
  body: Buffer,
  more: readonly (readonly [string, string])[],
): Promise<Immediate> {
  const verdict = await askFullDuplex(await stand.stream(), stand.settings, {
    headers: requestHeaders(stand.settings, { more }),
    endOfStream: false,
    modes: FULL_DUPLEX,
    chunks: [body],
  });
  if (verdict.kind === "refused") return verdict.immediate;
  throw new Fault("chose an endpoint instead of refusing");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
