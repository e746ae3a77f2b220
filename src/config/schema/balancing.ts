/**
 * BackendPolicy.spec.balancing: the policy, and what some policies and zones can be told.
 *
 * A section that the chosen policy would not read is an error: whoever wrote it expects something of it.
 */
import * as z from "zod";
import {
  MAGLEV_SIZE_MAX,
  PROFILES,
  RESOURCES,
  RING_SIZE_LIMIT,
  RING_SIZE_MAX,
  RING_SIZE_MIN,
} from "../../model/balancing.ts";
import type { BalancingPolicy } from "../../model/policy.ts";
import { integer, pattern, raise, strict, text } from "./fields.ts";
import { inferenceBalancing } from "./inference-balancing.ts";
import { port, probePath } from "./health-check.ts";
import { judgeWord } from "./known-names.ts";

/** What `balancing.policy` may be for any pool. */
export const BALANCING: readonly BalancingPolicy[] = [
  "Auto",
  "RoundRobin",
  "Random",
  "LeastRequest",
  "ShortestDelay",
  "PeakEwma",
  "LocalityAware",
  "Prequal",
  "ResourceAware",
  "ConsistentHash",
];
/** The same for the targets of a BackendPolicy, which may be InferencePools. */
const BALANCING_OF_POLICY: readonly BalancingPolicy[] = [...BALANCING, "Inference"];

const HASH_KEYS = ["header", "cookie", "sourceIp", "path"] as const;

/** RFC 9110 section 5.6.2: what names of fields and of cookies are made of. */
const token = pattern(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 256, "not a name", "a name such as x-user-id");

/** 0 would be no bound, which saying 0 states. */
const boundedLoadFactor = z.number().superRefine((value, context) => {
  if (value === 0 || (Number.isInteger(value) && value >= 100 && value <= 10_000)) return;
  raise(context, [], "the number is out of range", "percent of the mean load: 0 (no bound), or 100 to 10000");
});

const tableSize = z.number().superRefine((value, context) => {
  if (Number.isInteger(value) && value >= 2 && value <= MAGLEV_SIZE_MAX && isPrime(value)) return;
  raise(
    context,
    [],
    "not a prime in range",
    `a prime from 2 to ${MAGLEV_SIZE_MAX}, such as 65537 or 1000003`,
  );
});

const consistentHash = strict({
  header: token.optional(),
  cookie: token.optional(),
  sourceIp: strict({}).optional(),
  path: strict({}).optional(),
  algorithm: z.enum(["Maglev", "Ring"]).optional(),
  tableSize: tableSize.optional(),
  minimumRingSize: integer(1, RING_SIZE_LIMIT).optional(),
  maximumRingSize: integer(1, RING_SIZE_LIMIT).optional(),
  boundedLoadFactor: boundedLoadFactor.optional(),
}).superRefine((hash, context) => {
  const keys = HASH_KEYS.filter((key) => hash[key] !== undefined);
  if (keys.length !== 1) {
    const message = keys.length === 0 ? "there is no key to hash" : "there is more than one key to hash";
    raise(context, keys.length === 0 ? [] : [keys[1]!], message, "one of header, cookie, sourceIp and path");
  }
  const isRing = hash.algorithm === "Ring";
  for (const field of isRing ? (["tableSize"] as const) : (["minimumRingSize", "maximumRingSize"] as const)) {
    if (hash[field] === undefined) continue;
    raise(context, [field], `${field} has no meaning for ${isRing ? "Ring" : "Maglev"}`, "");
  }
  const min = hash.minimumRingSize ?? RING_SIZE_MIN;
  if (min > (hash.maximumRingSize ?? Math.max(min, RING_SIZE_MAX))) {
    raise(context, ["maximumRingSize"], "the ring's maximum is below its minimum", `at least ${min}`);
  }
});

const resourceWeight = z.number().superRefine((value, context) => {
  if (Number.isFinite(value) && value >= 0 && value <= 100) return;
  raise(context, [], "the number is out of range", "a number from 0 to 100");
});

const resourceAware = strict({
  formula: z.enum(["Throughput", "SourceText"]).optional(),
  profile: z.enum(PROFILES).optional(),
  resources: strict({
    cpu: resourceWeight.optional(),
    memory: resourceWeight.optional(),
    network: resourceWeight.optional(),
    disk: resourceWeight.optional(),
    gpu: resourceWeight.optional(),
  }).optional(),
  combine: z.enum(["Max", "Mean"]).optional(),
}).superRefine((resource, context) => {
  if (resource.profile !== undefined && resource.resources !== undefined) {
    raise(context, ["profile"], "profile and resources say the same", "either of them");
  }
  const { resources } = resource;
  if (resources !== undefined && RESOURCES.every((name) => (resources[name] ?? 0) === 0)) {
    raise(context, ["resources"], "no resource counts", "at least one of them above 0");
  }
  if (resource.formula !== "SourceText") return;
  for (const field of ["profile", "resources", "combine"] as const) {
    if (resource[field] === undefined) continue;
    raise(context, [field], `${field} has no meaning for SourceText, which names its resources itself`, "");
  }
});

const probesPerRequest = z.number().superRefine((value, context) => {
  if (Number.isFinite(value) && value >= 0.01 && value <= 10) return;
  raise(context, [], "the number is out of range", "probes per request, from 0.01 to 10");
});

const prequal = strict({
  probe: strict({ path: probePath, port }),
  probesPerRequest: probesPerRequest.optional(),
});

export const balancing = strict({
  policy: text((value) => judgeWord(value, "balancing policy", BALANCING_OF_POLICY, [])).optional(),
  consistentHash: consistentHash.optional(),
  resourceAware: resourceAware.optional(),
  inference: inferenceBalancing.optional(),
  prequal: prequal.optional(),
  zones: strict({ prefer: z.enum(["Local", "None"]).optional() }).optional(),
}).superRefine((spec, context) => {
  if (spec.policy === "ConsistentHash" && spec.consistentHash === undefined) {
    raise(
      context,
      ["policy"],
      "ConsistentHash needs a key to hash",
      "with consistentHash: { header: ... } or another key",
    );
  }
  const unread = [
    ["consistentHash", "ConsistentHash"],
    ["resourceAware", "ResourceAware"],
    ["prequal", "Prequal"],
  ] as const;
  for (const [section, policy] of unread) {
    if (spec[section] === undefined || spec.policy === policy) continue;
    raise(context, [section], `${section} has no meaning for this policy`, `policy: ${policy}`);
  }
  // An InferencePool's policy is Inference where it is left out.
  if (spec.inference !== undefined && !["Inference", "Auto", undefined].includes(spec.policy)) {
    raise(context, ["inference"], "inference has no meaning for this policy", "policy: Inference");
  }
});

export type BalancingManifest = z.infer<typeof balancing>;

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
}
