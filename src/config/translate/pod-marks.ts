/**
 * What a Pod says of itself as a model server, in labels and annotations that the inference extension and llm-d know.
 *
 * A value that cannot be read is a warning and counts as left out. Where a key has an older name, the newer one goes first.
 */
import { ENGINES, STAGES } from "../../model/inference-pool.ts";
import type { Engine, ModelServer, Stage } from "../../model/inference-pool.ts";
import type { Problem } from "../../model/problem.ts";
import { didYouMean, oneOf } from "../read/words.ts";
import type { Resource } from "../resources.ts";
import { problemIn } from "./report.ts";

type Pod = Resource<"Pod">;
type Where = "labels" | "annotations";

const ACTIVE_PORTS = ["llm-d.ai/active-ports", "inference.networking.k8s.io/active-ports"];
const ENGINE_TYPE = ["llm-d.ai/engine-type", "inference.networking.k8s.io/engine-type"];
const ROLE = ["llm-d.ai/role"];
const CONTEXT_LENGTH = ["llm-d.ai/context-length-range"];

/** llm-d's older word for what does both of its stages. */
const BOTH: readonly Stage[] = ["prefill", "decode"];

export type PodMarks = Pick<ModelServer, "engine" | "stages" | "contextTokens">;

interface Mark {
  readonly path: readonly [string, Where, string];
  readonly text: string;
}

function markOf(pod: Pod, where: Where, keys: readonly string[]): Mark | undefined {
  const all = pod.body.metadata[where] ?? {};
  const key = keys.find((name) => Object.hasOwn(all, name));
  return key === undefined ? undefined : { path: ["metadata", where, key], text: all[key] ?? "" };
}

function complain(pod: Pod, { path }: Mark, message: string, expected: string, problems: Problem[]): void {
  problems.push(problemIn(pod, { severity: "warning", path, message, expected }));
}

/** Which of the pool's ports the pod serves on; all where it does not say. In the pool's order. */
export function activePorts(
  pod: Pod,
  targetPorts: readonly number[],
  problems: Problem[],
): ReadonlySet<number> {
  const mark = markOf(pod, "annotations", ACTIVE_PORTS);
  if (mark === undefined) return new Set(targetPorts);
  const parts = mark.text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  if (!parts.every((part) => /^[0-9]{1,5}$/.test(part))) {
    const message = "the annotation cannot be read and is passed over";
    complain(pod, mark, message, "ports with commas between them, such as 8000,8001", problems);
    return new Set(targetPorts);
  }
  const named = parts.map(Number);
  const strange = named.filter((port) => !targetPorts.includes(port));
  if (strange.length > 0) {
    const message = `the pool has no target port ${oneOf(strange.map(String))}`;
    complain(pod, mark, message, oneOf(targetPorts.map(String)), problems);
  }
  return new Set(named);
}

export function marksOf(pod: Pod, problems: Problem[]): PodMarks {
  return {
    engine: engineOf(pod, problems),
    stages: stagesOf(pod, problems),
    contextTokens: contextOf(pod, problems),
  };
}

function engineOf(pod: Pod, problems: Problem[]): Engine | undefined {
  const mark = markOf(pod, "labels", ENGINE_TYPE);
  if (mark === undefined) return "vllm";
  const engine = ENGINES.find((name) => name === mark.text);
  if (engine === undefined) {
    const message = `no engine whose metrics are understood${didYouMean(mark.text, ENGINES)}; none are read`;
    complain(pod, mark, message, oneOf(ENGINES), problems);
  }
  return engine;
}

function stagesOf(pod: Pod, problems: Problem[]): readonly Stage[] | undefined {
  const mark = markOf(pod, "labels", ROLE);
  if (mark === undefined) return undefined;
  if (mark.text === "both") return BOTH;
  const parts = mark.text.split("-");
  const stages = STAGES.filter((stage) => parts.includes(stage));
  if (stages.length === parts.length) return stages;
  const message = "the role cannot be read and is passed over";
  complain(pod, mark, message, "encode, prefill and decode, with hyphens between them", problems);
  return undefined;
}

function contextOf(pod: Pod, problems: Problem[]): PodMarks["contextTokens"] {
  const mark = markOf(pod, "labels", CONTEXT_LENGTH);
  if (mark === undefined) return undefined;
  const [, min, max] = /^([0-9]{1,9})-([0-9]{1,9})$/.exec(mark.text) ?? [];
  if (min !== undefined && max !== undefined && Number(min) <= Number(max)) {
    return { min: Number(min), max: Number(max) };
  }
  const message = "the range cannot be read and is passed over";
  complain(pod, mark, message, "tokens from least to most, such as 0-8192", problems);
  return undefined;
}
