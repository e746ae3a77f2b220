/**
 * The explanation of a request for people: the conclusion first, then how it came about, on one screen.
 */
import type { ClassExplanation } from "../../app/explain-class.ts";
import type { ExplainedEndpoint, PoolExplanation } from "../../app/explain-pool.ts";
import type { PromptExplanation } from "../../app/explain-prompt.ts";
import { scoreText } from "../../app/explain-reason.ts";
import type { BackendExplanation, ExplainedVerdict, RequestExplanation } from "../../app/explain-request.ts";
import type { RouteExplanation } from "../../app/explain-route.ts";
import type { Explanation, Factor } from "../../model/explanation.ts";
import { span, type Line, type Style } from "../demo/spans.ts";
import { fact, table, type Column } from "./layout.ts";
import { candidateLines, promptFacts } from "./prompt-lines.ts";
import { factorName, factorText, limitText, msText, percentText } from "./numbers.ts";

/** Beyond this the table is cut and the rest counted. */
const ENDPOINTS_SHOWN = 12;

/** `source`: where the answer comes from, in words. */
export function renderRequest(explained: RequestExplanation, source: string): readonly Line[] {
  const { request, verdict, route, backends, limits } = explained;
  const drawn = backends.find((backend) => backend.drawn);
  const from = request.client === "" ? "" : ` from ${request.client}`;
  return [
    conclusion(verdict),
    [],
    ...fact(
      "request",
      `${request.method} http://${request.host}${request.target} to port ${request.port}${from}`,
    ),
    ...fact("asked", source),
    ...routeFacts(route),
    ...backendFacts(backends),
    ...(drawn?.prompt === undefined ? [] : promptFacts(drawn.prompt)),
    ...(drawn?.class === undefined ? [] : classFacts(drawn.class)),
    ...(drawn?.explained === undefined ? [] : decisionFacts(drawn.explained.decision, drawn.prompt)),
    ...(limits === undefined
      ? []
      : fact(
          "times",
          `${limitText(limits.requestMs)} in all, ${limitText(limits.tryMs)} for one of ${limits.attempts} attempts`,
        )),
    ...(drawn?.explained === undefined ? [] : choiceLines(drawn.explained, drawn.prompt)),
  ];
}

function choiceLines(explained: PoolExplanation, prompt: PromptExplanation | undefined): readonly Line[] {
  if (prompt?.kind === "prompt") return candidateLines(explained);
  return [...endpointLines(explained.endpoints), ...factorLines(explained.decision)];
}

function conclusion(verdict: ExplainedVerdict): Line {
  if (verdict.kind === "refuse") {
    const head = `would be refused with ${verdict.status} ${verdict.refusal}`;
    return [span(head, "bad"), span(` because ${verdict.because}`)];
  }
  const name = verdict.displayName === undefined ? "" : ` (${verdict.displayName})`;
  const wait = verdict.waits ? "would wait for its turn, then " : "would ";
  return [span(`${wait}go to ${verdict.endpoint}${name}`, "bold"), span(` because ${verdict.because}`)];
}

function routeFacts(route: RouteExplanation): readonly Line[] {
  const { listeners, hostname, rule, match, passedOver, nearest } = route;
  const host = hostname === "*" ? "any host" : `host ${hostname}`;
  return [
    ...(listeners.length === 0 ? [] : fact("listener", `${listeners.join(", ")}, for ${host}`)),
    ...(rule === undefined ? [] : fact("rule", `${rule}${match === undefined ? "" : `, for ${match}`}`)),
    ...fact("before", ...passedOver.map((other) => `${other.rule}, for ${other.match}: less specific`)),
    ...fact(
      "nearest",
      ...nearest.map((miss) => `${miss.rule}, for ${miss.match}: ${miss.missing.join("; ")}`),
    ),
  ];
}

function backendFacts(backends: readonly BackendExplanation[]): readonly Line[] {
  const [only] = backends;
  if (only === undefined) return [];
  if (backends.length === 1) {
    return fact("pool", only.pool ?? `does not resolve: ${only.invalid}`);
  }
  const drawn = backends.find((backend) => backend.drawn);
  return [
    ...fact("split", drawn === undefined ? "a draw by weight" : `a draw by weight fell on ${drawn.pool}`),
    ...indent(
      table(
        BACKEND_COLUMNS,
        backends,
        () => "plain",
        (backend) => backend.drawn,
      ),
    ),
  ];
}

const BACKEND_COLUMNS: readonly Column<BackendExplanation>[] = [
  { head: "pool", align: "left", cell: ({ pool, invalid }) => pool ?? `(${invalid})` },
  { head: "weight", align: "right", cell: ({ weight }) => String(weight) },
  { head: "share", align: "right", cell: ({ share }) => percentText(share) },
  {
    head: "would choose",
    align: "left",
    cell: ({ invalid, explained }) =>
      explained === undefined
        ? `500 bad-backend: ${invalid}`
        : (explained.decision.chosen ?? `503 ${explained.decision.refused}`),
  },
];

function classFacts({ name, treatment, lane, room }: ClassExplanation): readonly Line[] {
  const { limit, underWay, waiting } = room;
  const use = limit === undefined ? `${underWay} under way, no limit` : `${underWay} of ${limit} under way`;
  const queue = `may wait ${limitText(treatment.queue.maxWaitMs)}`;
  const part = lane === 0 ? "" : `; a part of the pool of its own (${lane})`;
  return fact(
    "class",
    `${name}, priority ${treatment.priority}, ${queue}; the pool has ${use}, ${waiting} waiting${part}`,
  );
}

function decisionFacts(
  { policy, carriedOutBy, group, panic }: Explanation,
  prompt: PromptExplanation | undefined,
): readonly Line[] {
  const rule = prompt?.kind === "prompt" ? `, ${prompt.policy}` : "";
  const by = carriedOutBy === undefined ? "" : `, now ${carriedOutBy.policy}: ${carriedOutBy.because}`;
  return [
    ...fact("policy", `${policy}${rule}${by}`),
    ...(group === undefined
      ? []
      : fact(
          "group",
          `priority ${group.priority}, zone ${group.zone}, which gets ${percentText(group.share)} of the pool's requests`,
        )),
    ...(panic ? fact("panic", "too few endpoints are healthy: health is ignored") : []),
  ];
}

const ENDPOINT_COLUMNS: readonly Column<ExplainedEndpoint>[] = [
  { head: "endpoint", align: "left", cell: ({ key }) => key },
  { head: "name", align: "left", cell: ({ displayName }) => displayName ?? "" },
  { head: "zone", align: "left", cell: ({ zone }) => zone ?? "" },
  { head: "stood", align: "left", cell: ({ standing }) => standing.replaceAll("-", " ") },
  { head: "score", align: "right", cell: ({ score }) => (score === undefined ? "" : scoreText(score)) },
  { head: "in flight", align: "right", cell: ({ inFlight }) => String(inFlight) },
  { head: "latency", align: "right", cell: ({ latencyMs }) => msText(latencyMs) },
  {
    head: "errors",
    align: "right",
    cell: ({ errorRatio }) => (errorRatio < 0.001 ? "" : percentText(errorRatio)),
  },
  { head: "share", align: "right", cell: ({ share }) => percentText(share) },
  { head: "ejected for", align: "left", cell: ({ ejection }) => ejection?.reason ?? "" },
];

function endpointLines(endpoints: readonly ExplainedEndpoint[]): readonly Line[] {
  if (endpoints.length === 0) return [];
  const shown = endpoints.slice(0, ENDPOINTS_SHOWN);
  const rest = Map.groupBy(endpoints.slice(ENDPOINTS_SHOWN), ({ standing }) => standing);
  const counts = [...rest].map(([standing, list]) => `${list.length} ${standing.replaceAll("-", " ")}`);
  return [
    [],
    ...table(ENDPOINT_COLUMNS, shown, styleOf, ({ standing }) => standing === "chosen"),
    ...(counts.length === 0 ? [] : [[span(`  and ${counts.join(", ")}`, "dim")]]),
  ];
}

function styleOf({ standing }: ExplainedEndpoint): Style {
  if (standing === "chosen") return "bold";
  return standing === "compared" || standing === "not-drawn" ? "plain" : "warn";
}

interface FactorRow {
  readonly name: string;
  /** As the columns stand: one per endpoint; undefined where it has no such factor. */
  readonly cells: readonly (Factor | undefined)[];
}

/** What the scores are made of, side by side. What is 0 everywhere says nothing. */
function factorLines({ considered }: Explanation): readonly Line[] {
  const made = considered.filter(({ factors }) => factors.length > 0);
  const names = [...new Set(made.flatMap(({ factors }) => factors.map(({ name }) => name)))];
  const rows = names
    .map((name): FactorRow => ({
      name,
      cells: made.map(({ factors }) => factors.find((factor) => factor.name === name)),
    }))
    .filter(({ cells }) => cells.some((factor) => factor !== undefined && factor.value !== 0));
  if (rows.length === 0) return [];
  const columns: readonly Column<FactorRow>[] = [
    { head: "made of", align: "left", cell: ({ name }) => factorName(name) },
    ...made.map(({ key }, index): Column<FactorRow> => ({
      head: key,
      align: "right",
      cell: ({ cells }) => factorText(cells[index]),
    })),
  ];
  return [
    [],
    ...table(
      columns,
      rows,
      () => "plain",
      () => false,
    ),
  ];
}

function indent(lines: readonly Line[]): readonly Line[] {
  return lines.map((line) => [span(" ".repeat(8)), ...line]);
}
