/**
 * The form of a scenario file, section by section; docs/simulator.md explains each field.
 *
 * `pool` is left open here: it is the spec of a BackendPolicy and is judged as one (contenders.ts). Spans that people
 * think of in seconds are durations (`30s`); times of single requests, often below a millisecond, are plain numbers in ms.
 */
import * as z from "zod";
import { decimal, duration, integer, raise, strict, text } from "../../config/schema/fields.ts";

/** Beyond these a run would take hours or its memory; a slip of the finger is likelier. */
const SERVERS_MAX = 20_000;
const COUNT_MAX = 1_000_000;
const MS_MAX = 3_600_000;
const RATE_MAX = 10_000_000;

const ms = decimal(0, MS_MAX);
const ratio = decimal(0, 1);
const factor = decimal(0, 10_000);
const name = text((value) =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(value)
    ? undefined
    : { message: "not a name", expected: "1 to 63 letters, digits, dots, dashes and underscores" },
);

const recording = strict({
  file: z.string(),
  time: z.string(),
  unit: z.enum(["s", "ms", "us", "ns", "date"]).optional(),
  count: z.string().optional(),
  work: z.string().optional(),
  workMsPerUnit: decimal(0, MS_MAX).optional(),
  speedUp: decimal(0.001, 1_000_000).optional(),
});

const arrivals = strict({
  process: z.enum(["poisson", "even", "recorded"]),
  ratePerSec: decimal(0.001, RATE_MAX).optional(),
  load: decimal(0.001, 100).optional(),
  steps: z.array(strict({ at: duration(true), factor })).optional(),
  bursts: strict({ on: duration(false), off: duration(false), factor }).optional(),
  recording: recording.optional(),
}).superRefine((value, context) => {
  const recorded = value.process === "recorded";
  const rates = [value.ratePerSec, value.load].filter((rate) => rate !== undefined).length;
  if (recorded && value.recording === undefined)
    raise(context, ["recording"], "recorded arrivals need a recording", "recording: { file, time }");
  if (!recorded && value.recording !== undefined)
    raise(context, ["recording"], "the process makes its own arrivals", "process: recorded");
  if (!recorded && rates !== 1)
    raise(context, [], "arrivals need one rate", "either ratePerSec or load", `${rates} of them`);
});

/** What each distribution needs besides `meanMs`. */
const WORK_FIELDS = {
  constant: [],
  exponential: [],
  lognormal: ["sigma"],
  pareto: ["alpha", "maxMs"],
  normal: ["cv"],
} as const;

const WORK_EXTRAS = ["sigma", "alpha", "maxMs", "cv"] as const;

const work = strict({
  distribution: z.enum(["constant", "exponential", "lognormal", "pareto", "normal"]),
  meanMs: decimal(0.001, MS_MAX),
  sigma: decimal(0.01, 5).optional(),
  alpha: decimal(0.1, 10).optional(),
  maxMs: decimal(0.001, MS_MAX).optional(),
  cv: decimal(0.01, 10).optional(),
}).superRefine((value, context) => {
  const needed: readonly string[] = WORK_FIELDS[value.distribution];
  for (const field of WORK_EXTRAS) {
    const given = value[field] !== undefined;
    if (given && !needed.includes(field))
      raise(context, [field], `${field} means nothing to ${value.distribution}`, "no such field here");
    if (!given && needed.includes(field))
      raise(context, [field], `${value.distribution} needs ${field}`, "a number");
  }
  if (value.distribution === "pareto" && value.maxMs !== undefined && value.maxMs <= value.meanMs)
    raise(context, ["maxMs"], "the longest work is not above the mean", `more than ${value.meanMs}`);
});

const on = strict({
  group: z.string().optional(),
  zone: z.string().optional(),
  count: integer(1, SERVERS_MAX).optional(),
});

const zones = z.array(name).optional();

const endpoints = strict({
  name,
  count: integer(1, SERVERS_MAX),
  slots: integer(1, 100_000).optional(),
  discipline: z.enum(["fifo", "processor-sharing"]).optional(),
  queueMax: integer(0, COUNT_MAX).optional(),
  fullStatus: z.literal([429, 503]).optional(),
  speed: decimal(0.001, 1_000).optional(),
  zones,
  joins: duration(true).optional(),
  leaves: duration(false).optional(),
  coldStart: strict({ from: decimal(0.001, 1), over: duration(false) }).optional(),
  abandoned: z.enum(["finish", "skip"]).optional(),
});

/** What only one kind of fault has. */
const FAULT_FIELDS = {
  hang: [],
  pause: [],
  crash: [],
  unreachable: [],
  fail: ["answerMs", "status", "ratio"],
  slow: ["factor"],
} as const;

const FAULT_EXTRAS = ["answerMs", "status", "ratio", "factor"] as const;

const fault = strict({
  kind: z.enum(["hang", "pause", "crash", "fail", "slow", "unreachable"]),
  on,
  at: duration(true),
  for: duration(false).optional(),
  every: duration(false).optional(),
  factor: decimal(1, 10_000).optional(),
  answerMs: ms.optional(),
  status: integer(500, 599).optional(),
  ratio: ratio.optional(),
  probes: z.enum(["pass", "fail"]).optional(),
  removedAfter: duration(true).optional(),
}).superRefine((value, context) => {
  const known: readonly string[] = FAULT_FIELDS[value.kind];
  for (const field of FAULT_EXTRAS) {
    if (value[field] !== undefined && !known.includes(field))
      raise(context, [field], `${field} means nothing to ${value.kind}`, "no such field here");
  }
  if (value.kind === "slow" && value.factor === undefined)
    raise(context, ["factor"], "slow needs a factor", "how many times slower");
  if (value.every !== undefined && value.for === undefined)
    raise(context, ["for"], "a fault that comes again must end first", "a duration shorter than every");
});

const antagonist = strict({
  on: on.optional(),
  ratio: decimal(0.001, 0.999),
  factor: decimal(1, 10_000),
  burst: duration(false),
});

export const scenarioSchema = strict({
  name,
  description: z.string().optional(),
  seed: integer(0, 4_294_967_295).optional(),
  duration: duration(false),
  warmUp: duration(true).optional(),
  policies: z.array(z.string()).optional(),
  arrivals,
  work,
  keys: strict({ count: integer(1, COUNT_MAX), skew: decimal(0, 5).optional() }).optional(),
  clients: strict({
    timeout: duration(true).optional(),
    attempts: integer(1, 100).optional(),
    backoff: duration(true).optional(),
    method: z.enum(["GET", "POST"]).optional(),
  }).optional(),
  gateways: strict({
    count: integer(1, 1_000).optional(),
    zones,
    viewDelay: duration(true).optional(),
    reports: strict({
      on: z.array(z.enum(["answers", "probes"])).optional(),
      delay: duration(true).optional(),
      dropRatio: ratio.optional(),
    }).optional(),
  }).optional(),
  pool: z.record(z.string(), z.unknown()).optional(),
  endpoints: z.array(endpoints).min(1),
  faults: z.array(fault).optional(),
  antagonists: z.array(antagonist).optional(),
  network: strict({
    sameZoneMs: ms.optional(),
    crossZoneMs: ms.optional(),
    pairs: z.array(strict({ from: name, to: name, ms })).optional(),
  }).optional(),
});

export type ScenarioFile = z.infer<typeof scenarioSchema>;
