/**
 * The part of an explanation that is of a prompt: what was read of it, whose cache holds it, and the candidates with what the prompt
 * would cost there, cheapest first.
 */
import type { ExplainedEndpoint, PoolExplanation } from "../../app/explain-pool.ts";
import { scoreText } from "../../app/explain-reason.ts";
import type { ExplainedCache, PromptExplanation, ReadPrompt } from "../../app/explain-prompt.ts";
import type { ExplainedCandidate, Factor, RecordedPrompt } from "../../model/explanation.ts";
import { span, type Line } from "../demo/spans.ts";
import { fact, table, type Column } from "./layout.ts";
import { countText, factorName, msText } from "./numbers.ts";

/** Further caches are counted. */
const CACHES_SHOWN = 4;
/** Beyond this those who do not stand for choice are counted. */
const ROWS_SHOWN = 12;

export function promptFacts(prompt: PromptExplanation): readonly Line[] {
  if (prompt.kind === "not-given") {
    const said = "--body is not given, so this is told as of a request that is none";
    return fact("prompt", `${prompt.api}; ${said}`);
  }
  if (prompt.kind === "fault") return fact("prompt", `${prompt.api}, refused: ${prompt.detail}`);
  return [
    ...fact("prompt", `${prompt.api}, ${modelText(prompt)}`, lengthText(prompt), ...aimTexts(prompt)),
    ...fact("cached", ...cacheTexts(prompt)),
  ];
}

function modelText({ model, rewrite, adapter }: ReadPrompt): string {
  const named = model === "" ? "no model named" : `model ${model}`;
  const by = rewrite?.rule === undefined ? "a header" : rewrite.rule;
  const rewritten = rewrite === undefined ? "" : `, which ${by} makes ${rewrite.model}`;
  return `${named}${rewritten}${adapter === undefined ? "" : `, adapter ${adapter}`}`;
}

function lengthText({
  promptTokens,
  isCounted,
  blocks,
  tokensPerBlock,
  expectedOutputTokens,
  isStream,
}: ReadPrompt): string {
  const prompt = `${isCounted ? "" : "about "}${countText(promptTokens, "token")} in ${countText(blocks, "whole block")} of ${scoreText(tokensPerBlock)}`;
  const form = isStream ? "as a stream" : "in one piece";
  return `${prompt}; an answer of about ${expectedOutputTokens} is expected, ${form}`;
}

function aimTexts({
  priority,
  objective,
  session,
  ttftTargetMs,
  tpotTargetMs,
}: ReadPrompt): readonly string[] {
  const by = objective === undefined ? "" : ` (objective ${objective})`;
  const targets = [
    ...(ttftTargetMs > 0 ? [`first token within ${msText(ttftTargetMs)}`] : []),
    ...(tpotTargetMs > 0 ? [`${msText(tpotTargetMs)} a token`] : []),
  ];
  const wanted = targets.length === 0 ? "" : `; wanted: ${targets.join(", ")}`;
  return [`priority ${priority}${by}${session === undefined ? "" : `, session ${session}`}${wanted}`];
}

function cacheTexts({ caches, blocks }: ReadPrompt): readonly string[] {
  if (caches.length === 0) return ["nowhere, as far as is known"];
  const shown = caches
    .slice(0, CACHES_SHOWN)
    .map(
      (cache: ExplainedCache) =>
        `${cache.blocks} of ${countText(blocks, "block")} (${countText(cache.tokens, "token")}) at ${cache.key}`,
    );
  const rest = caches.length - shown.length;
  return rest === 0 ? shown : [...shown, `no more than that at ${rest} further`];
}

/** Of a decision that was made. */
export function recordedPromptFacts(prompt: RecordedPrompt | undefined): readonly Line[] {
  if (prompt === undefined) return [];
  const { promptTokens, cachedTokens, ttftMs } = prompt;
  const cached = `${Math.round(cachedTokens)} of them cached there`;
  return fact(
    "prompt",
    `${countText(promptTokens, "token")}, ${cached}; first token expected after ${msText(ttftMs)}`,
  );
}

interface Row {
  readonly endpoint: ExplainedEndpoint;
  /** Undefined: its score is not told. */
  readonly candidate: ExplainedCandidate | undefined;
}

/** Who stood for choice with what it would cost there, and behind them who did not, and why. */
export function candidateLines({ decision, endpoints }: PoolExplanation): readonly Line[] {
  const { considered } = decision;
  const byKey = new Map(endpoints.map((endpoint) => [endpoint.key, endpoint]));
  const told = considered.flatMap((candidate): readonly Row[] => {
    const endpoint = byKey.get(candidate.key);
    return endpoint === undefined ? [] : [{ endpoint, candidate }];
  });
  const keys = new Set(told.map(({ endpoint }) => endpoint.key));
  const others = endpoints.filter(({ key }) => !keys.has(key));
  const [compared, filtered] = [
    others.filter(isCompared),
    others.filter((endpoint) => !isCompared(endpoint)),
  ];
  const shown = filtered.slice(0, Math.max(0, ROWS_SHOWN - told.length));
  const counts = [
    ...(compared.length === 0 ? [] : [`${compared.length} dearer`]),
    ...[...Map.groupBy(filtered.slice(shown.length), ({ standing }) => standing)].map(
      ([standing, list]) => `${list.length} ${standing.replaceAll("-", " ")}`,
    ),
  ];
  const rows = [...told, ...shown.map((endpoint): Row => ({ endpoint, candidate: undefined }))];
  if (rows.length === 0) return [];
  const isCost = considered.some(({ factors }) => factors.some(({ name }) => name === "cost"));
  return [
    [],
    ...table(
      [...ENDPOINT_COLUMNS, ...factorColumns(considered), ...RESERVED_COLUMNS],
      rows,
      ({ endpoint, candidate }) =>
        endpoint.standing === "chosen" ? "bold" : candidate === undefined ? "warn" : "plain",
      ({ endpoint }) => endpoint.standing === "chosen",
    ),
    ...(counts.length === 0 ? [] : [[span(`  and ${counts.join(", ")}`, "dim")]]),
    ...(isCost ? [[], [span(`  ${COST_MEANING}`, "dim")]] : []),
  ];
}

const COST_MEANING =
  "cost: ms of delay, its own and others', that it adds to all by going there; the sum of the terms up to `cached`";

function isCompared({ standing }: ExplainedEndpoint): boolean {
  return standing === "compared" || standing === "chosen";
}

const ENDPOINT_COLUMNS: readonly Column<Row>[] = [
  { head: "endpoint", align: "left", cell: ({ endpoint }) => endpoint.key },
  { head: "name", align: "left", cell: ({ endpoint }) => endpoint.displayName ?? "" },
  { head: "zone", align: "left", cell: ({ endpoint }) => endpoint.zone ?? "" },
  { head: "stood", align: "left", cell: ({ endpoint }) => endpoint.standing.replaceAll("-", " ") },
];

const RESERVED_COLUMNS: readonly Column<Row>[] = [
  { head: "reserved for", align: "left", cell: ({ endpoint }) => reservedText(endpoint.reserved) },
  { head: "ejected for", align: "left", cell: ({ endpoint }) => endpoint.ejection?.reason ?? "" },
];

function reservedText(reserved: ExplainedEndpoint["reserved"]): string {
  if (reserved === undefined) return "";
  const { stages, contextTokens } = reserved;
  const { min, max } = contextTokens ?? { min: 0, max: undefined };
  return [
    ...(stages === undefined ? [] : [stages.join(" and ")]),
    // JSON has no infinity: it arrives as nothing.
    ...(contextTokens === undefined
      ? []
      : [Number.isFinite(max ?? Number.NaN) ? `${min} to ${max} tokens` : `${min} tokens and more`]),
  ].join(", ");
}

/** A column for each factor that tells something: 0 everywhere does not, nor does a pace of 1. */
function factorColumns(considered: readonly ExplainedCandidate[]): readonly Column<Row>[] {
  const all = considered.flatMap(({ factors }) => factors);
  const names = [...new Set(all.map(({ name }) => name))].filter((name) => !TOTALS.has(name));
  const telling = names.filter((name) => all.some((factor) => factor.name === name && !isOrdinary(factor)));
  const total = considered.some(({ factors }) => factors.some(({ name }) => name === "cost"))
    ? "cost"
    : "score";
  const score: Column<Row> = {
    head: total,
    align: "right",
    cell: ({ candidate }) => numberText(candidate?.score ?? valueOf(candidate, total)),
  };
  return [
    score,
    ...telling.map((name): Column<Row> => ({
      head: headOf(name),
      align: "right",
      cell: ({ candidate }) => numberText(valueOf(candidate, name)),
    })),
  ];
}

function isOrdinary({ value, unit }: Factor): boolean {
  return unit === "" ? value === 1 : numberText(value) === "0";
}

/** Stand in a column of their own. */
const TOTALS: ReadonlySet<string> = new Set(["cost", "score"]);

function headOf(name: string): string {
  return name === "cachedTokens" ? "cached" : factorName(name);
}

function valueOf(candidate: ExplainedCandidate | undefined, name: string): number | undefined {
  return candidate?.factors.find((factor) => factor.name === name)?.value;
}

/** What is small beside a millisecond or a token is as good as none. */
function numberText(value: number | undefined): string {
  if (value === undefined) return "";
  return Math.abs(value) < 0.01 ? "0" : scoreText(value);
}
