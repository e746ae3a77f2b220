/**
 * BackendPolicy.spec.outlierDetection: when an endpoint is taken out for how it answers.
 *
 * Names are Istio's where Istio has the field, Envoy's otherwise, so that what people know or paste works;
 * `successRateStdevFactor` is in thousandths, as in Envoy. The latency fields are our own. A count, factor or threshold of 0
 * turns its detector off, `maxEjectionPercent: 0` all of them.
 */
import * as z from "zod";
import { DEFAULT_OUTLIER } from "../../model/policy.ts";
import { parseDurationMs } from "../../std/duration.ts";
import { decimal, duration, integer, notYet, raise, strict } from "./fields.ts";

/** Beyond any pool and any interval; keeps a slip of the finger from reading as a number. */
const COUNT_MAX = 1_000_000;

const count = integer(0, COUNT_MAX).optional();
const volume = integer(1, COUNT_MAX).optional();

export const outlierDetection = strict({
  consecutive5xxErrors: count,
  consecutiveGatewayErrors: count,
  consecutiveLocalOriginFailures: count,
  splitExternalLocalOriginErrors: z.boolean().optional(),
  interval: duration(false).optional(),
  baseEjectionTime: duration(false).optional(),
  maxEjectionTime: duration(false).optional(),
  maxEjectionPercent: integer(0, 100).optional(),
  successRateMinimumHosts: volume,
  successRateRequestVolume: volume,
  successRateStdevFactor: count,
  failurePercentageThreshold: integer(0, 100).optional(),
  failurePercentageMinimumHosts: volume,
  failurePercentageRequestVolume: volume,
  latencyFactor: decimal(0, 1_000).optional(),
  latencyMinimumHosts: volume,
  latencyRequestVolume: volume,
  minHealthPercent: notYet("minHealthPercent (health is ignored below 50 %)"),
}).superRefine((value, context) => {
  const baseMs = parseDurationMs(value.baseEjectionTime ?? "") ?? DEFAULT_OUTLIER.baseEjectionMs;
  const maxMs = parseDurationMs(value.maxEjectionTime ?? "");
  if (maxMs !== undefined && maxMs < baseMs) {
    raise(context, ["maxEjectionTime"], "shorter than baseEjectionTime", "baseEjectionTime or more");
  }
  if (value.latencyFactor !== undefined && value.latencyFactor > 0 && value.latencyFactor <= 1) {
    raise(
      context,
      ["latencyFactor"],
      "half of all endpoints are above the median",
      "more than 1, or 0 for off",
    );
  }
});

export type OutlierManifest = z.infer<typeof outlierDetection>;
