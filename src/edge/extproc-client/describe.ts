/**
 * Messages in one line each, for transcripts: what a person needs to see who said what, with long values cut.
 */
import {
  APPEND_ACTIONS,
  headerText,
  type Answer,
  type CommonReply,
  type HeaderMutation,
  type HeaderToSet,
  type ProcessingReply,
  type ProcessingRequest,
} from "./messages.ts";

const TEXT_CHARS_MAX = 160;

export function describeRequest({ part, metadata, protocolConfig }: ProcessingRequest): string {
  const words = [`${part.side}_${part.kind}`];
  if (part.kind === "headers") words.push(`${part.headers.length} headers in ${part.valuesIn}`);
  if (part.kind === "body") words.push(`${part.body.length} bytes`);
  if (part.kind !== "trailers") words.push(`end_of_stream=${part.endOfStream}`);
  if (protocolConfig !== undefined) {
    words.push(`protocol_config=${protocolConfig.requestBody}/${protocolConfig.responseBody}`);
  }
  if (metadata !== undefined) words.push(`metadata=${cut(JSON.stringify(metadata))}`);
  return words.join(" ");
}

export function describeReply({
  answer,
  dynamicMetadata,
  overridesMode,
  unknownFields,
}: ProcessingReply): string {
  const words = [describeAnswer(answer)];
  if (dynamicMetadata !== undefined) words.push(`dynamic_metadata=${cut(JSON.stringify(dynamicMetadata))}`);
  if (overridesMode) words.push("mode_override");
  if (unknownFields.length > 0) words.push(`unknown fields ${unknownFields.join(", ")}`);
  return words.join(" ");
}

function describeAnswer(answer: Answer): string {
  switch (answer.kind) {
    case "headers":
    case "body":
      return [`${answer.side}_${answer.kind}`, ...commonWords(answer.common)].join(" ");
    case "trailers":
      return [`${answer.side}_trailers`, ...mutationWords(answer.headers)].join(" ");
    case "immediate":
      return [
        `immediate_response ${answer.status}`,
        ...mutationWords(answer.headers),
        cut(JSON.stringify(answer.body.toString("utf8"))),
      ].join(" ");
    case "nothing":
      return "nothing";
  }
}

function commonWords({ status, headers, body, clearRouteCache }: CommonReply): string[] {
  const words = mutationWords(headers);
  if (status !== 0) words.push(`status=${status}`);
  if (body?.kind === "whole") words.push(`body of ${body.body.length} bytes`);
  if (body?.kind === "clear") words.push("clear_body");
  if (body?.kind === "streamed") {
    words.push(`streamed_response of ${body.body.length} bytes end_of_stream=${body.endOfStream}`);
  }
  if (clearRouteCache) words.push("clear_route_cache");
  return words;
}

function mutationWords({ set, remove }: HeaderMutation): string[] {
  return [...set.map(setWords), ...remove.map((name) => `remove ${name}`)];
}

function setWords(header: HeaderToSet): string {
  const how = APPEND_ACTIONS[header.appendAction] ?? String(header.appendAction);
  const where = header.value === undefined || header.value === "" ? "" : " (in value)";
  const append = header.append === undefined ? "" : ` append=${header.append}`;
  return `set ${header.name}: ${cut(headerText(header))}${where} ${how}${append}`;
}

function cut(text: string): string {
  return text.length <= TEXT_CHARS_MAX
    ? text
    : `${text.slice(0, TEXT_CHARS_MAX)}… (${text.length} characters)`;
}
