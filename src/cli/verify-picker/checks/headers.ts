/**
 * Requests without a body, and the two places of the destination in every mode.
 */
import type { ProcessingReply } from "../../../edge/extproc-client/messages.ts";
import type { Check } from "../check.ts";
import { mustHold } from "../fault.ts";
import { destinationInMetadata, destinationOf, DESTINATION_NAMESPACE, DESTINATION } from "../destination.ts";
import {
  ask,
  askFullDuplex,
  bodyMessage,
  FULL_DUPLEX,
  mustBeSent,
  mustNotRefuse,
  nextReply,
  type Opening,
} from "../dialogue.ts";
import { chatBody, requestHeaders } from "../requests.ts";

const BUFFERED = { requestBody: "BUFFERED", responseBody: "NONE" } as const;

export const headersOnly: Check = {
  name: "headers-only",
  test: 1,
  rule: 2,
  title: "headers that end the request are replied to at once, with a destination",
  run: async (stand) => {
    const reply = await ask(await stand.stream(), stand.settings, {
      headers: requestHeaders(stand.settings, { method: "GET" }),
      endOfStream: true,
      modes: FULL_DUPLEX,
    });
    destinationOf(mustNotRefuse(reply).common.headers);
  },
};

export const bothPlaces: Check = {
  name: "destination-in-both-places",
  test: 1,
  rule: 3,
  title: "header and dynamic metadata name the same destination: without a body, in full duplex, buffered",
  run: async (stand) => {
    const { settings } = stand;
    const get: Opening = { headers: requestHeaders(settings, { method: "GET" }), endOfStream: true };
    const reply = await ask(await stand.stream(), settings, get);
    mustMatch(reply, destinationOf(mustNotRefuse(reply).common.headers).text, "without a body");

    const headers = requestHeaders(settings);
    const verdict = await askFullDuplex(await stand.stream(), settings, {
      headers,
      endOfStream: false,
      modes: FULL_DUPLEX,
      chunks: [chatBody(settings)],
    });
    const decision = mustBeSent(verdict);
    mustMatch(decision.headerReply, destinationOf(decision.headers).text, "in full duplex");

    const buffered = await stand.stream();
    const early = await ask(buffered, settings, { headers, endOfStream: false, modes: BUFFERED });
    mustNotRefuse(early);
    void buffered.send(bodyMessage("request", chatBody(settings), true));
    const late = await nextReply(buffered, settings, "body reply");
    mustMatch(late, destinationOf(mustNotRefuse(late).common.headers).text, "buffered");
  },
};

function mustMatch(reply: ProcessingReply, header: string, when: string): void {
  const metadata = destinationInMetadata(reply);
  mustHold(
    metadata !== undefined,
    `${when}: dynamic_metadata has no text at ${DESTINATION_NAMESPACE} / ${DESTINATION}`,
  );
  mustHold(metadata === header, `${when}: the header says ${header}, dynamic metadata ${metadata}`);
}
