/**
 * BackendPolicy (plimsoll.dev/v1alpha1): how the endpoints of a Service or an InferencePool are chosen, checked, connected
 * to and retried.
 *
 * Field names follow the settings people bring from Istio and Kubernetes; docs/configuration.md explains each.
 * Defaults are not filled in here but in translate/pool-policy.ts, from model/policy.ts, their one source.
 */
import * as z from "zod";
import type { RetryCause } from "../../model/policy.ts";
import { balancing } from "./balancing.ts";
import { circuitBreaker, slowStart } from "./circuit-breaker.ts";
import { duration, integer, notYet, objectToRepeats, raise, strict, text } from "./fields.ts";
import { healthCheck } from "./health-check.ts";
import { judgeWord } from "./known-names.ts";
import { manifest } from "./metadata.ts";
import { labelName, objectName, portName } from "./names.ts";
import { outlierDetection } from "./outlier-detection.ts";
import { INFERENCE_GROUP, isInferencePool } from "./pool-ref.ts";

const RETRY_CAUSES: readonly RetryCause[] = ["connect-failure", "refused-stream", "unavailable"];

/** Causes other proxies know: recognised so that the answer is "not yet" and not "no such thing". */
const RETRY_CAUSES_LATER = [
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "retriable-4xx",
  "retriable-status-codes",
  "retriable-headers",
  "envoy-ratelimited",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
];

const targetRef = strict({
  group: z.string().default(""),
  kind: z.string().default("Service"),
  name: z.string(),
  sectionName: portName.optional(),
}).superRefine((ref, context) => {
  const isPool = isInferencePool(ref);
  const named = (isPool ? objectName : labelName).safeParse(ref.name);
  for (const issue of named.error?.issues ?? []) context.addIssue({ ...issue, path: ["name"] });
  if (isPool && ref.sectionName !== undefined) {
    raise(context, ["sectionName"], "an InferencePool has no ports by name", "the pool as a whole");
  }
  if (isPool || (ref.group === "" && ref.kind === "Service")) return;
  const kind = ref.group === "" ? ref.kind : `${ref.kind} (${ref.group})`;
  const expected = `group "" and kind Service, or group ${INFERENCE_GROUP} and kind InferencePool`;
  raise(context, ["kind"], `a target of kind ${kind} is not supported yet`, expected);
});

const targetRefs = z.array(targetRef).superRefine((refs, context) => {
  if (refs.length === 0) raise(context, [], "a policy needs a target", "1 to 16 targets");
  if (refs.length > 16) raise(context, [], "the list is too long", "at most 16 targets");
  objectToRepeats(
    context,
    refs,
    (ref) => {
      if (isInferencePool(ref)) return `InferencePool ${ref.name}`;
      return ref.sectionName === undefined ? ref.name : `${ref.name}, port ${ref.sectionName}`;
    },
    "the target",
  );
});

/** Causes as a comma-separated text, blanks around them ignored. */
export function splitCauses(value: string): readonly string[] {
  return value.split(",").map((cause) => cause.trim());
}

const retryOn = text((value) => {
  for (const cause of splitCauses(value)) {
    const objection = judgeWord(cause, "retry cause", RETRY_CAUSES, RETRY_CAUSES_LATER);
    if (objection !== undefined) return objection;
  }
  return undefined;
});

export const backendPolicySchema = manifest(
  objectName,
  strict({
    targetRefs,
    balancing: balancing.optional(),
    healthCheck: healthCheck.optional(),
    outlierDetection: outlierDetection.optional(),
    slowStart: slowStart.optional(),
    circuitBreaker: circuitBreaker.optional(),
    connectionPool: strict({
      tcp: strict({
        maxConnections: integer(1, 1_000_000).optional(),
        connectTimeout: duration(false).optional(),
        tcpKeepalive: notYet("tcpKeepalive"),
      }).optional(),
      http: strict({
        h2UpgradePolicy: z.enum(["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"]).optional(),
        maxRequestsPerConnection: integer(1, 2_147_483_647).optional(),
        http1MaxPendingRequests: notYet(
          "http1MaxPendingRequests (spec.circuitBreaker.maxPendingRequests covers it)",
        ),
        http2MaxRequests: notYet("http2MaxRequests (spec.circuitBreaker.maxRequests covers it)"),
        maxRetries: notYet("maxRetries (spec.circuitBreaker.maxRetries covers it)"),
        idleTimeout: notYet("idleTimeout (spec.timeouts.idle covers it)"),
      }).optional(),
    }).optional(),
    timeouts: strict({
      request: duration(true).optional(),
      idle: duration(true).optional(),
      connect: duration(false).optional(),
    }).optional(),
    retries: strict({
      attempts: integer(1, 10).optional(),
      perTryTimeout: duration(true).optional(),
      retryOn: retryOn.optional(),
    }).optional(),
  }).superRefine(({ targetRefs: refs, balancing: given }, context) => {
    const service = refs.find((ref) => !isInferencePool(ref));
    if (service === undefined || given === undefined) return;
    const expected = `targets of kind InferencePool (${INFERENCE_GROUP})`;
    const found = `Service ${service.name}`;
    if (given.policy === "Inference") {
      raise(context, ["balancing", "policy"], "Inference chooses among model servers", expected, found);
    }
    if (given.inference !== undefined) {
      raise(context, ["balancing", "inference"], "a Service is no pool of model servers", expected, found);
    }
  }),
);
