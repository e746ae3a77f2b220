/**
 * Runs checks one after the other and gathers what each found, with its transcript and its slowest reply.
 */
import type { TranscriptLine } from "../../edge/extproc-client/picker-stream.ts";
import type { Check } from "./check.ts";
import { Fault, Skip, type RuleNumber } from "./fault.ts";
import type { VerifySettings } from "./settings.ts";
import { Stand } from "./stand.ts";

export interface CheckResult {
  readonly name: string;
  readonly test: number;
  readonly rule: RuleNumber;
  readonly title: string;
  readonly result: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped, or what is worth knowing. */
  readonly note: string | undefined;
  readonly tookMs: number;
  /** The longest that a reply was waited for; undefined where none came. */
  readonly slowestReplyMs: number | undefined;
  readonly transcripts: readonly (readonly TranscriptLine[])[];
}

/** Throws `Fault` where the picker cannot be reached at all: that is one finding and not one per check. */
export async function runSuite(
  checks: readonly Check[],
  settings: VerifySettings,
  tell: (result: CheckResult) => void,
): Promise<readonly CheckResult[]> {
  const stand = new Stand(settings);
  const results: CheckResult[] = [];
  try {
    await stand.connection();
    for (const check of checks) {
      const result = await runCheck(check, stand);
      results.push(result);
      tell(result);
    }
  } finally {
    stand.close();
  }
  return results;
}

async function runCheck(check: Check, stand: Stand): Promise<CheckResult> {
  const startedMs = performance.now();
  let result: CheckResult["result"] = "passed";
  let note: string | undefined;
  let { rule } = check;
  try {
    note = (await check.run(stand)) ?? undefined;
  } catch (error) {
    result = error instanceof Skip ? "skipped" : "failed";
    if (error instanceof Fault) rule = error.rule ?? rule;
    if (error instanceof Skip || error instanceof Fault) note = error.message;
    else note = `a defect of this program: ${String((error as Error).stack)}`;
  }
  const tookMs = performance.now() - startedMs;
  const transcripts = stand.clear();
  const { name, test, title } = check;
  return { name, test, rule, title, result, note, tookMs, slowestReplyMs: slowest(transcripts), transcripts };
}

function slowest(transcripts: readonly (readonly TranscriptLine[])[]): number | undefined {
  const waitedMs = transcripts.flatMap((lines) => lines.map((line) => line.waitedMs ?? -1));
  const most = waitedMs.reduce((a, b) => Math.max(a, b), -1);
  return most < 0 ? undefined : most;
}
