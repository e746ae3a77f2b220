/**
 * The scenario's `arrivals`: a rate, a rate in proportion to what the endpoints can serve, or a recording.
 *
 * Load 1 is the rate at which every slot of the endpoints that are there from the start is busy all the time, at the mean work.
 */
import type { Manifest } from "../../config/read/documents.ts";
import { pathText, type Path } from "../../config/read/path.ts";
import type { Problem } from "../../model/problem.ts";
import { parseDurationMs } from "../../std/duration.ts";
import { parseRecording, type Recording, type RecordingSpec } from "./recording.ts";
import type { ArrivalSpec, BurstSpec, RateStep } from "./scenario.ts";
import type { ScenarioFile } from "./schema.ts";

export interface Arrivals {
  readonly arrivals: ArrivalSpec;
  readonly problem: Problem | undefined;
}

export interface ArrivalsOptions {
  readonly open?: (path: string) => string;
}

const NONE: ArrivalSpec = { kind: "recorded", timesMs: new Float64Array(), worksMs: undefined };

export function arrivalsOf(manifest: Manifest, file: ScenarioFile, options: ArrivalsOptions): Arrivals {
  const { arrivals } = file;
  const steps = (arrivals.steps ?? [])
    .map(({ at, factor }) => ({ atMs: parseDurationMs(at) ?? 0, factor }))
    .toSorted((a, b) => a.atMs - b.atMs);
  if (arrivals.process !== "recorded") {
    const ratePerSec = arrivals.ratePerSec ?? (arrivals.load ?? 0) * capacityPerSec(file);
    const bursts = burstsOf(arrivals.bursts);
    return { arrivals: { kind: arrivals.process, ratePerSec, steps, bursts }, problem: undefined };
  }
  const spec = recordingOf(arrivals.recording!);
  try {
    if (options.open === undefined) throw new Error("recordings cannot be read here");
    return {
      arrivals: arrivalsOfRecording(parseRecording(options.open(spec.file), spec)),
      problem: undefined,
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { arrivals: NONE, problem: problemAt(manifest, ["arrivals", "recording", "file"], reason) };
  }
}

/** Requests per second at which the endpoints of the start are busy all the time. */
function capacityPerSec(file: ScenarioFile): number {
  let slots = 0;
  for (const { count, slots: each, speed, joins } of file.endpoints) {
    if ((parseDurationMs(joins ?? "0s") ?? 0) === 0) slots += count * (each ?? 1) * (speed ?? 1);
  }
  return (slots * 1000) / file.work.meanMs;
}

function arrivalsOfRecording({ timesMs, worksMs, counts }: Recording): ArrivalSpec {
  if (counts === undefined) return { kind: "recorded", timesMs, worksMs };
  // A row holds until the next; the last one as long as the one before it.
  const steps: RateStep[] = [];
  for (const [index, atMs] of timesMs.entries()) {
    const next = timesMs[index + 1] ?? atMs + (atMs - (timesMs[index - 1] ?? atMs - 1000));
    steps.push({ atMs, factor: (counts[index]! * 1000) / Math.max(1, next - atMs) });
  }
  const endMs = 2 * (timesMs.at(-1) ?? 0) - (timesMs.at(-2) ?? -1000);
  steps.push({ atMs: endMs, factor: 0 });
  return { kind: "poisson", ratePerSec: 1, steps, bursts: undefined };
}

function recordingOf(recording: NonNullable<ScenarioFile["arrivals"]["recording"]>): RecordingSpec {
  return {
    file: recording.file,
    time: recording.time,
    unit: recording.unit ?? "s",
    count: recording.count,
    work: recording.work,
    workMsPerUnit: recording.workMsPerUnit ?? 1,
    speedUp: recording.speedUp ?? 1,
  };
}

function burstsOf(bursts: ScenarioFile["arrivals"]["bursts"]): BurstSpec | undefined {
  if (bursts === undefined) return undefined;
  return {
    onMs: parseDurationMs(bursts.on) ?? 1,
    offMs: parseDurationMs(bursts.off) ?? 1,
    factor: bursts.factor,
  };
}

function problemAt(manifest: Manifest, path: Path, message: string): Problem {
  const place = manifest.locate(path, "value");
  return { severity: "error", ...place, object: "", path: pathText(path), message, expected: "", found: "" };
}
