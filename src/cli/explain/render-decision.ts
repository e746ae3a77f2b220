/**
 * A decision of the past for people.
 */
import { DECISION_ID_FORM, type ConsideredThen, type PastDecision } from "../../app/explain-decision.ts";
import { scoreText } from "../../app/explain-reason.ts";
import { span, type Line } from "../demo/spans.ts";
import type { LoggedAttempt, LoggedRequest } from "./access-log.ts";
import { fact, table, type Column } from "./layout.ts";
import { recordedPromptFacts } from "./prompt-lines.ts";
import { agoText, msText } from "./numbers.ts";

const CONSIDERED_COLUMNS: readonly Column<ConsideredThen>[] = [
  { head: "endpoint", align: "left", cell: ({ key }) => key },
  { head: "name", align: "left", cell: ({ displayName }) => displayName ?? "" },
  { head: "score", align: "right", cell: ({ score }) => (score === undefined ? "" : scoreText(score)) },
];

export function renderDecision(decision: PastDecision): readonly Line[] {
  const { id, at, ageMs, tried, chosen, because, considered, prompt } = decision;
  const name = considered.find(({ key }) => key === chosen)?.displayName;
  const before = tried === 0 ? "the first of its request" : `after ${tried} of the same request`;
  return [
    [span(`went to ${chosen}${name === undefined ? "" : ` (${name})`}`, "bold"), span(` because ${because}`)],
    [],
    ...fact("decision", id),
    ...fact("when", `${at}, ${agoText(ageMs)}`),
    ...fact("attempt", before),
    ...recordedPromptFacts(prompt),
    [],
    ...table(
      CONSIDERED_COLUMNS,
      considered,
      () => "plain",
      ({ key }) => key === chosen,
    ),
  ];
}

export interface TracedAttempt {
  readonly logged: LoggedAttempt;
  /** Or why it is not to be had. */
  readonly decision: PastDecision | string;
}

/** A request out of the access log, with the decisions of its attempts as far as they are still kept. */
export function renderTraced(request: LoggedRequest, attempts: readonly TracedAttempt[]): readonly Line[] {
  const { method, host, path, status, why, time, requestId } = request;
  return [
    [span(`${method} http://${host}${path} was answered ${status} (${why}) at ${time}`, "bold")],
    ...fact("request", requestId),
    ...attempts.flatMap(({ logged, decision }, index) => [
      [],
      [
        span(`attempt ${index + 1} of ${attempts.length}`, "accent"),
        span(`: ${logged.endpoint}, ${logged.outcome} after ${msText(logged.totalMs)}`),
      ],
      ...(typeof decision === "string" ? fact("decision", decision) : renderDecision(decision)),
    ]),
  ];
}

/** The gateway may have started anew since the line was written, and numbered other decisions the same. */
export function isOf(
  decision: PastDecision,
  logged: LoggedAttempt,
  { time, totalMs }: LoggedRequest,
): boolean {
  const endMs = Date.parse(time);
  const atMs = Date.parse(decision.at);
  return (
    decision.chosen === logged.endpoint && atMs <= endMs + SLACK_MS && atMs >= endMs - totalMs - SLACK_MS
  );
}

/** Clocks on the wall are set now and then; a restart takes longer. */
const SLACK_MS = 500;

export const ID_EXPECTED = `${DECISION_ID_FORM}, or a request's id with --access-log FILE`;
