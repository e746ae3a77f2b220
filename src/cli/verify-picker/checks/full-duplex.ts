/**
 * Request bodies in full duplex: in parts of every kind, large ones, with trailers, and where the stream does not say its mode.
 */
import type { Check } from "../check.ts";
import type { RuleNumber } from "../fault.ts";
import { askFullDuplex, FULL_DUPLEX, mustBeSent, type FullDuplexRequest } from "../dialogue.ts";
import { destinationOf } from "../destination.ts";
import { chatBody, requestHeaders, split } from "../requests.ts";
import { sameBody } from "../same-body.ts";
import { mustBeOver } from "../response-dialogue.ts";
import type { Stand } from "../stand.ts";

/** As Envoy's buffers hand it on. */
const ENVOY_CHUNK_BYTES = 16 * 1024;

export const oneChunk = inChunks("full-duplex-one-chunk", "a body in one part", (body) => [body]);
export const twoChunks = inChunks("full-duplex-two-chunks", "a body in two parts", (body) => split(body, 2));
export const hundredChunks = inChunks("full-duplex-hundred-chunks", "a body in a hundred parts", (body) =>
  split(body, 100),
);
export const emptyLastChunk = inChunks(
  "full-duplex-empty-last-chunk",
  "a body whose end comes alone, in an empty part",
  (body) => [...split(body, 2), Buffer.alloc(0)],
);

export const largeBody: Check = {
  name: "full-duplex-large-body",
  test: 2,
  rule: 6,
  title: "a body of 5 MiB in parts of 16 KiB comes back byte for byte in parts that fit",
  run: (stand) => {
    const body = chatBody(stand.settings, stand.settings.largeBodyBytes);
    return mustCarry(stand, body, { chunks: split(body, Math.ceil(body.length / ENVOY_CHUNK_BYTES)) });
  },
};

export const oneLargeMessage: Check = {
  name: "one-large-message",
  test: 2,
  rule: 9,
  title: "a prompt of 5 MiB in a single message, as NGINX Gateway Fabric sends it, is taken",
  run: (stand) => {
    const body = chatBody(stand.settings, stand.settings.largeBodyBytes);
    return mustCarry(stand, body, { chunks: [body], modes: undefined, valuesIn: "value" });
  },
};

export const requestTrailers: Check = {
  name: "request-trailers",
  test: 3,
  rule: 6,
  title: "trailers end the body where no part of it says so, and are replied to last",
  run: (stand) => {
    const body = chatBody(stand.settings);
    return mustCarry(stand, body, { chunks: split(body, 2), trailers: [["x-checksum", "1"]] });
  },
};

export const noProtocolConfig: Check = {
  name: "no-protocol-config",
  test: 4,
  rule: 2,
  title: "a stream that does not say its body modes is full duplex, and one without a body is replied to",
  run: async (stand) => {
    const body = chatBody(stand.settings);
    await mustCarry(stand, body, { chunks: split(body, 3), modes: undefined }, 2);
  },
};

function inChunks(name: string, title: string, cut: (body: Buffer) => readonly Buffer[]): Check {
  return {
    name,
    test: 2,
    rule: 6,
    title: `${title}: header reply, then the body byte for byte, then one end`,
    run: (stand) => {
      const body = chatBody(stand.settings);
      return mustCarry(stand, body, { chunks: cut(body) });
    },
  };
}

/** The request is sent somewhere, its body arrives as it was, and the request phase ends once. */
async function mustCarry(
  stand: Stand,
  body: Buffer,
  request: Partial<FullDuplexRequest> & Pick<FullDuplexRequest, "chunks">,
  rule?: RuleNumber,
): Promise<string | void> {
  const stream = await stand.stream();
  const verdict = await askFullDuplex(stream, stand.settings, {
    headers: requestHeaders(stand.settings),
    endOfStream: false,
    modes: FULL_DUPLEX,
    ...request,
  });
  const decision = mustBeSent(verdict);
  destinationOf(decision.headers);
  const note = sameBody(body, decision.body, rule);
  await mustBeOver(stream, stand.settings, decision);
  return note;
}
