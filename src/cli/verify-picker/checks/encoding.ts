/**
 * Where the values of headers stand, both ways, and the one header that must not be set.
 */
import { headerText, type HeaderMutation, type HeaderToSet } from "../../../edge/extproc-client/messages.ts";
import type { PickerStream } from "../../../edge/extproc-client/picker-stream.ts";
import type { Check } from "../check.ts";
import { mustHold, Skip } from "../fault.ts";
import { destinationOf } from "../destination.ts";
import { ask, askFullDuplex, FULL_DUPLEX, mustBeSent, mustNotRefuse, type Decision } from "../dialogue.ts";
import { chatBody, requestHeaders } from "../requests.ts";
import { JSON_HEAD, respondHeaders, servedAsDecided } from "../response-dialogue.ts";
import type { Stand } from "../stand.ts";

export const readsRawValue = reads("reads-raw-value", "raw_value");
export const readsValue = reads("reads-value", "value");

export const writesRawValue: Check = {
  name: "writes-raw-value-only",
  test: 7,
  rule: 4,
  title: "header values are written into raw_value and nowhere else, also in refusals",
  run: async (stand) => {
    const stream = await stand.stream();
    const decision = await decide(stand, stream, chatBody(stand.settings));
    mustBeRaw(decision.headers.set, "the header reply");
    const refusal = await ask(await stand.stream(), stand.settings, {
      headers: requestHeaders(stand.settings, { method: "GET" }),
      endOfStream: true,
      metadata: { "envoy.lb.subset_hint": { "x-gateway-destination-endpoint-subset": [] } },
    });
    if (refusal.answer.kind === "immediate") mustBeRaw(refusal.answer.headers.set, "the refusal");
    const response = await responseHeaders(stand, stream, decision);
    if (response !== undefined) mustBeRaw(response.set, "the reply to the response's headers");
  },
};

export const noContentLength: Check = {
  name: "no-content-length",
  test: 7,
  rule: 7,
  title:
    "content-length is not set, neither of the request nor of the response, where the body stays as it is",
  run: async (stand) => {
    const stream = await stand.stream();
    const sent = chatBody(stand.settings);
    const decision = await decide(stand, stream, sent);
    // A picker that gives the model another name has changed the body, and may say so if it is right.
    if (decision.body.equals(sent)) mustLeaveLength(decision.headers, "request");
    else mustSayLength(decision.headers, decision.body.length);
    const response = await responseHeaders(stand, stream, decision);
    if (response !== undefined) mustLeaveLength(response, "response");
  },
};

function reads(name: string, valuesIn: "value" | "raw_value"): Check {
  return {
    name,
    test: 7,
    rule: 4,
    title: `a request whose header values stand in ${valuesIn} is understood`,
    run: async (stand) => {
      const reply = await ask(await stand.stream(), stand.settings, {
        headers: requestHeaders(stand.settings, { method: "GET" }),
        endOfStream: true,
        valuesIn,
      });
      destinationOf(mustNotRefuse(reply).common.headers);
    },
  };
}

async function decide(stand: Stand, stream: PickerStream, body: Buffer): Promise<Decision> {
  const verdict = await askFullDuplex(stream, stand.settings, {
    headers: requestHeaders(stand.settings),
    endOfStream: false,
    modes: FULL_DUPLEX,
    chunks: [body],
  });
  return mustBeSent(verdict);
}

/** Undefined where the picker has left after the request phase. */
async function responseHeaders(
  stand: Stand,
  stream: PickerStream,
  decision: Decision,
): Promise<HeaderMutation | undefined> {
  try {
    const metadata = servedAsDecided(decision);
    const { answer } = await respondHeaders(stream, stand.settings, JSON_HEAD, {
      endOfStream: false,
      metadata,
    });
    return answer.kind === "headers" ? answer.common.headers : undefined;
  } catch (error) {
    if (error instanceof Skip) return undefined;
    throw error;
  }
}

function mustBeRaw(set: readonly HeaderToSet[], where: string): void {
  for (const { name, value } of set) {
    mustHold(value === undefined || value === "", `${where} writes ${name} into value`);
  }
}

function mustLeaveLength({ set }: HeaderMutation, side: string): void {
  const isSet = set.some(({ name }) => name.toLowerCase() === "content-length");
  mustHold(!isSet, `sets content-length of the ${side}, which stays as it is`);
}

function mustSayLength({ set }: HeaderMutation, bytes: number): void {
  const length = set.find(({ name }) => name.toLowerCase() === "content-length");
  if (length === undefined) return;
  const said = headerText(length);
  mustHold(Number(said) === bytes, `sets content-length ${said} for a body of ${bytes} bytes`);
}
