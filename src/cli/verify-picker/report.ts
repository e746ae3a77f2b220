/**
 * What the suite found, for people and for programs.
 *
 * A line per check; under one that failed, the last stream's transcript, which is where it failed. `--verbose` shows all of them.
 */
import type { TranscriptLine } from "../../edge/extproc-client/picker-stream.ts";
import { RULES } from "./fault.ts";
import type { CheckResult } from "./run-suite.ts";

const MARKS = { passed: "✓", failed: "✗", skipped: "-" } as const;
/** The end of a long transcript is where the fault is. */
const LINES_SHOWN = 40;

export function renderResult(result: CheckResult, verbose: boolean): string {
  const { name, test, rule, title, note, slowestReplyMs } = result;
  const slowest = slowestReplyMs === undefined ? "" : `, slowest reply ${ms(slowestReplyMs)}`;
  const lines = [`${MARKS[result.result]} ${name.padEnd(28)} test ${test}, rule ${rule}${slowest}`];
  if (result.result === "failed") lines.push(`    ${title}`, `    rule ${rule}, ${RULES[rule]}:`);
  if (note !== undefined) lines.push(`    ${result.result === "skipped" ? "skipped: " : ""}${note}`);
  const shown = verbose ? result.transcripts : result.result === "failed" ? result.transcripts.slice(-1) : [];
  for (const transcript of shown) lines.push(...renderTranscript(transcript, verbose), "");
  return `${lines.join("\n").trimEnd()}\n`;
}

export function renderSummary(results: readonly CheckResult[]): string {
  const count = (kind: CheckResult["result"]): number =>
    results.filter(({ result }) => result === kind).length;
  const lines = [`${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`];
  for (const rule of brokenRules(results)) lines.push(`breaks rule ${rule}: ${RULES[rule]}`);
  return `${lines.join("\n")}\n`;
}

export function renderJson(results: readonly CheckResult[], verbose: boolean): string {
  const checks = results.map(({ transcripts, ...result }) => ({
    ...result,
    transcripts: verbose || result.result === "failed" ? transcripts : undefined,
  }));
  const ok = results.every(({ result }) => result !== "failed");
  return `${JSON.stringify({ ok, brokenRules: brokenRules(results), checks }, null, 2)}\n`;
}

function brokenRules(results: readonly CheckResult[]): readonly CheckResult["rule"][] {
  const rules = results.filter(({ result }) => result === "failed").map(({ rule }) => rule);
  return [...new Set(rules)].toSorted((a, b) => a - b);
}

function renderTranscript(transcript: readonly TranscriptLine[], whole: boolean): string[] {
  const shown = whole ? transcript : transcript.slice(-LINES_SHOWN);
  const left = transcript.length - shown.length;
  return [
    ...(left > 0 ? [`      … ${left} before`] : []),
    ...shown.map(({ atMs, from, text, waitedMs }) => {
      const arrow = from === "gateway" ? "→" : "←";
      const waited = waitedMs === undefined ? "" : ` (+${ms(waitedMs)})`;
      return `      ${ms(atMs).padStart(10)} ${arrow} ${text}${waited}`;
    }),
  ];
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}
