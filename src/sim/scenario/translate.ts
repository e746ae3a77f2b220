/**
 * A scenario file that passed its schema, in the simulator's words: durations to milliseconds, defaults filled in.
 */
import { parseDurationMs } from "../../std/duration.ts";
import type {
  AntagonistSpec,
  FaultSpec,
  ReportSpec,
  Scenario,
  Selection,
  ServerGroup,
  WorkSpec,
} from "./scenario.ts";
import type { ScenarioFile } from "./schema.ts";

export function translate(
  file: ScenarioFile,
  contenders: Scenario["contenders"],
  arrivals: Scenario["arrivals"],
  seed: number | undefined,
): Scenario {
  const { clients, gateways, network } = file;
  return {
    name: file.name,
    description: (file.description ?? "").trim(),
    seed: seed ?? file.seed ?? 1,
    durationMs: msOf(file.duration),
    warmUpMs: msOf(file.warmUp ?? "0s"),
    contenders,
    arrivals,
    work: workOf(file.work),
    keys: file.keys === undefined ? undefined : { count: file.keys.count, skew: file.keys.skew ?? 0 },
    clients: {
      timeoutMs: msOf(clients?.timeout ?? "0s"),
      attempts: clients?.attempts ?? 1,
      backoffMs: msOf(clients?.backoff ?? "0s"),
      method: clients?.method ?? "GET",
    },
    gateways: {
      count: gateways?.count ?? 1,
      zones: gateways?.zones ?? [],
      viewDelayMs: msOf(gateways?.viewDelay ?? "0s"),
      reports: gateways?.reports === undefined ? undefined : reportsOf(gateways.reports),
    },
    groups: file.endpoints.map(groupOf),
    faults: (file.faults ?? []).map(faultOf),
    antagonists: (file.antagonists ?? []).map(antagonistOf),
    network: {
      sameZoneMs: network?.sameZoneMs ?? 0,
      crossZoneMs: network?.crossZoneMs ?? 0,
      pairs: network?.pairs ?? [],
    },
  };
}

function reportsOf(reports: NonNullable<NonNullable<ScenarioFile["gateways"]>["reports"]>): ReportSpec {
  const on = reports.on ?? ["answers", "probes"];
  return {
    onAnswers: on.includes("answers"),
    onProbes: on.includes("probes"),
    delayMs: msOf(reports.delay ?? "0s"),
    dropRatio: reports.dropRatio ?? 0,
  };
}

function groupOf(group: ScenarioFile["endpoints"][number]): ServerGroup {
  return {
    name: group.name,
    count: group.count,
    slots: group.slots ?? 1,
    discipline: group.discipline ?? "fifo",
    queueMax: group.queueMax ?? Number.POSITIVE_INFINITY,
    fullStatus: group.fullStatus ?? 429,
    speed: group.speed ?? 1,
    zones: group.zones ?? [],
    joinsMs: msOf(group.joins ?? "0s"),
    leavesMs: group.leaves === undefined ? Number.POSITIVE_INFINITY : msOf(group.leaves),
    coldStart:
      group.coldStart === undefined
        ? undefined
        : { from: group.coldStart.from, overMs: msOf(group.coldStart.over) },
    abandoned: group.abandoned ?? "finish",
  };
}

function faultOf(fault: NonNullable<ScenarioFile["faults"]>[number]): FaultSpec {
  // A fast failure is the one trouble that a health check, which asks another question, usually does not see.
  const noticed = fault.kind !== "fail" && fault.kind !== "slow";
  return {
    kind: fault.kind,
    on: selectionOf(fault.on),
    atMs: msOf(fault.at),
    forMs: fault.for === undefined ? Number.POSITIVE_INFINITY : msOf(fault.for),
    everyMs: msOf(fault.every ?? "0s"),
    factor: fault.factor ?? 1,
    answerMs: fault.answerMs ?? 1,
    status: fault.status ?? 500,
    ratio: fault.ratio ?? 1,
    probesFail: fault.probes === undefined ? noticed : fault.probes === "fail",
    removedAfterMs: fault.removedAfter === undefined ? Number.POSITIVE_INFINITY : msOf(fault.removedAfter),
  };
}

function antagonistOf(antagonist: NonNullable<ScenarioFile["antagonists"]>[number]): AntagonistSpec {
  return {
    on: selectionOf(antagonist.on ?? {}),
    ratio: antagonist.ratio,
    factor: antagonist.factor,
    burstMs: msOf(antagonist.burst),
  };
}

interface On {
  readonly group?: string | undefined;
  readonly zone?: string | undefined;
  readonly count?: number | undefined;
}

function selectionOf(on: On): Selection {
  return { group: on.group, zone: on.zone, count: on.count };
}

function workOf(work: ScenarioFile["work"]): WorkSpec {
  const { meanMs } = work;
  switch (work.distribution) {
    case "constant":
    case "exponential":
      return { kind: work.distribution, meanMs };
    case "lognormal":
      return { kind: "lognormal", meanMs, sigma: work.sigma! };
    case "pareto":
      return { kind: "pareto", meanMs, alpha: work.alpha!, maxMs: work.maxMs! };
    case "normal":
      return { kind: "normal", meanMs, cv: work.cv! };
  }
}

function msOf(duration: string): number {
  return parseDurationMs(duration) ?? 0;
}
