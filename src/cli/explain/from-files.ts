/**
 * Explains on manifests alone: the view that `serve` would make of them, in a gateway that has just started.
 *
 * Nothing is measured or checked yet, so every endpoint counts as healthy and idle. The clock stands at 0; with the same
 * seed the answer is the same.
 */
import { randomBytes } from "node:crypto";
import { explainRequest, type RequestExplanation } from "../../app/explain-request.ts";
import { Registry } from "../../app/metrics/registry.ts";
import { TrafficMetrics } from "../../app/metrics/traffic.ts";
import { EMPTY_VIEW, reconcile } from "../../app/reconcile.ts";
import { formatProblem } from "../../config/format-problem.ts";
import { describeRequest, type RequestDescription } from "../../edge/admin/asked-request.ts";
import { createPrng } from "../../std/prng.ts";
import { hasErrors, loadConfig } from "../load-config.ts";
import { ExplainError } from "./explain-error.ts";

export interface FileOptions {
  readonly paths: readonly string[];
  /** Undefined: one is drawn, and told. */
  readonly seed: number | undefined;
  /** `topology.kubernetes.io/zone` that the gateway would stand in; undefined: not known. */
  readonly zone: string | undefined;
}

export interface SeededExplanation extends RequestExplanation {
  readonly seed: number;
}

/** Throws ExplainError where the manifests or the description make no sense. */
export async function explainFromFiles(
  description: RequestDescription,
  { paths, seed = randomBytes(4).readUInt32LE(), zone }: FileOptions,
  body?: Uint8Array,
): Promise<SeededExplanation> {
  const { config, problems, files } = await loadConfig(paths);
  if (hasErrors(problems)) {
    const errors = problems.filter(({ severity }) => severity === "error").map(formatProblem);
    throw new ExplainError(
      ["the manifests have errors", ...errors].join("\n"),
      "manifests that can be served",
    );
  }
  if (config.listeners.length === 0) {
    throw new ExplainError(
      `${files} files have no listener`,
      "a Gateway of a GatewayClass that is Plimsoll's",
    );
  }
  const prng = createPrng(seed);
  const metrics = new TrafficMetrics(new Registry());
  const view = reconcile(EMPTY_VIEW, config, { prng, metrics, nowMs: 0, localZone: zone });
  const described = describeRequest(description, [...view.ports.keys()]);
  if (described.kind === "malformed") throw new ExplainError(described.error, described.expected);
  return { ...explainRequest(view, config, { ...described.asked, body }, prng, 0), seed };
}
