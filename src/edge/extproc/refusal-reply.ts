/**
 * How a gateway is asked to answer for us: the refusal's name in a header, its meaning in the words of the API that the
 * client speaks.
 *
 * The endpoint picker protocol has two statuses where our own data path has one: 503 for "nobody is there", 429 for "dropped
 * on purpose", which is what admission does.
 */
import type { CarriedRefusal } from "../../app/carried-exchange.ts";
import type { PromptIntake } from "../../app/inference/prompt-intake.ts";
import { REFUSALS, type Refusal } from "../../model/refusal.ts";
import { immediateReply, type SetHeader } from "./wire/processing-response.ts";

/** Dropped on purpose, and the word that llm-d's tools know it by. */
const DROPPED: Readonly<Partial<Record<Refusal, string>>> = {
  "class-limit": "rejected-saturated",
  "pool-full": "rejected-saturated",
  "queue-full": "rejected-saturated",
  throttled: "rejected-saturated",
  "queue-timeout": "rejected-ttl-expired",
  shed: "evicted-priority",
};

export interface RefusalReply {
  readonly status: number;
  readonly frame: Buffer;
}

export function refusalReply(
  { refusal, detail, retryAfterMs }: CarriedRefusal,
  requestId: string,
  intake: PromptIntake | undefined,
): RefusalReply {
  const dropped = DROPPED[refusal];
  const { meaning } = REFUSALS[refusal];
  const status = dropped === undefined ? REFUSALS[refusal].status : 429;
  const type = intake === undefined ? "text/plain; charset=utf-8" : "application/json";
  const plain = `${refusal}: ${meaning}${detail === "" ? "" : ` (${detail})`}\n`;
  const reason = refusal === "no-endpoint" ? "rejected-no-endpoints" : dropped;
  const headers: SetHeader[] = [
    ["content-type", type],
    ["x-plimsoll-refusal", refusal],
    ["x-request-id", requestId],
  ];
  if (reason !== undefined) headers.push(["x-llm-d-request-dropped-reason", reason]);
  // RFC 9110 section 10.2.3: whole seconds.
  if (retryAfterMs !== undefined) headers.push(["retry-after", String(Math.ceil(retryAfterMs / 1000))]);
  const body = intake === undefined ? plain : intake.refusalText(refusal, detail, status);
  return { status, frame: immediateReply({ status, headers, body, details: refusal }) };
}
