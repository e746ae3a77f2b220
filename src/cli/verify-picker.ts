/**
 * `plimsoll verify-picker`: holds any endpoint picker against the protocol, check by check. 1 if any fails, or none could run.
 */
import { Fault } from "./verify-picker/fault.ts";
import { renderJson, renderResult, renderSummary } from "./verify-picker/report.ts";
import { runSuite, type CheckResult } from "./verify-picker/run-suite.ts";
import type { VerifySettings } from "./verify-picker/settings.ts";
import { chosenChecks } from "./verify-picker/suite.ts";

export interface VerifyOptions {
  readonly settings: VerifySettings;
  /** Names of checks or numbers of tests; empty: all. */
  readonly only: readonly string[];
  readonly verbose: boolean;
  readonly output: "text" | "json";
}

export async function verifyPicker({
  settings,
  only,
  verbose,
  output,
}: VerifyOptions): Promise<number | string> {
  const checks = chosenChecks(only);
  if (checks instanceof Error) return checks.message;
  let results: readonly CheckResult[];
  try {
    results = await runSuite(checks, settings, (result) => {
      if (output === "text") process.stdout.write(renderResult(result, verbose));
    });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    process.stderr.write(`plimsoll: no picker there: ${error.message}\n`);
    return 1;
  }
  process.stdout.write(output === "json" ? renderJson(results, verbose) : renderSummary(results));
  const isAnyPassed = results.some(({ result }) => result === "passed");
  return isAnyPassed && results.every(({ result }) => result !== "failed") ? 0 : 1;
}
