/**
 * `spec.balancing` of a BackendPolicy for an InferencePool, in the model's words; defaults from model/inference-pool.ts filled in.
 */
import { DEFAULT_INFERENCE_POLICY, DEFAULT_KV_EVENTS } from "../../model/inference-pool.ts";
import type { InferencePolicy, KvEventSource } from "../../model/inference-pool.ts";
import { DEFAULT_POOL_POLICY } from "../../model/policy.ts";
import type { PoolPolicy } from "../../model/policy.ts";
import { parseDurationMs } from "../../std/duration.ts";
import type { Bodies } from "../resources.ts";
import { POLICY_BY_MANIFEST_NAME } from "../schema/inference-balancing.ts";
import type { InferenceManifest } from "../schema/inference-balancing.ts";
import { poolPolicyOf } from "./pool-policy.ts";

type Spec = Bodies["BackendPolicy"]["spec"];

export interface InferencePoolPolicy {
  readonly policy: PoolPolicy;
  readonly inference: InferencePolicy;
}

/**
 * An answer that is not streamed has its head only once it is complete, which may take minutes: unless it is asked for,
 * no time is set for one attempt. The time for the whole exchange bounds it still.
 */
const PER_TRY_TIMEOUT_MS = 0;

/** `spec` undefined: no BackendPolicy speaks of the pool. */
export function inferencePoolPolicyOf(spec: Spec | undefined): InferencePoolPolicy {
  const policy = spec === undefined ? DEFAULT_POOL_POLICY : poolPolicyOf(spec);
  const perTryTimeoutMs = msOf(spec?.retries?.perTryTimeout) ?? PER_TRY_TIMEOUT_MS;
  return {
    policy: {
      ...policy,
      // What is best is for Plimsoll to say, and of model servers it knows.
      balancing: policy.balancing === "Auto" ? "Inference" : policy.balancing,
      retries: { ...policy.retries, perTryTimeoutMs },
      outlierDetection: unlessLatency(policy.outlierDetection, spec),
    },
    inference: inferencePolicyOf(spec?.balancing?.inference),
  };
}

/**
 * Engines with the long prompts answer later than their peers, and the policy knows of slow ones by itself: latency ejects a
 * model server only where it is asked for.
 */
function unlessLatency(
  outlier: PoolPolicy["outlierDetection"],
  spec: Spec | undefined,
): PoolPolicy["outlierDetection"] {
  if (outlier === undefined || spec?.outlierDetection?.latencyFactor !== undefined) return outlier;
  return { ...outlier, latency: { ...outlier.latency, factor: 0 } };
}

function inferencePolicyOf(given: InferenceManifest | undefined): InferencePolicy {
  const defaults = DEFAULT_INFERENCE_POLICY;
  if (given === undefined) return defaults;
  const { metrics, kvEvents, queue, slo } = given;
  return {
    policy: POLICY_BY_MANIFEST_NAME.get(given.policy ?? "") ?? defaults.policy,
    metrics: {
      path: metrics?.path ?? defaults.metrics.path,
      port: metrics?.port ?? defaults.metrics.port,
    },
    kvEvents: kvEvents === undefined ? defaults.kvEvents : kvEventsOf(kvEvents),
    queue: {
      maxWaitMs: msOf(queue?.maxWait) ?? defaults.queue.maxWaitMs,
      maxLength: queue?.maxLength ?? defaults.queue.maxLength,
    },
    slo: { ttftMs: msOf(slo?.ttft), tpotMs: msOf(slo?.tpot) },
  };
}

function kvEventsOf(given: NonNullable<InferenceManifest["kvEvents"]>): KvEventSource {
  const { port, topic } = DEFAULT_KV_EVENTS;
  return {
    port: given.port ?? port,
    replayPort: given.replayPort,
    topic: given.topic ?? topic,
  };
}

function msOf(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : parseDurationMs(duration);
}
