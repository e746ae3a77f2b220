/**
 * From a policy's public name to the code that carries it out. `cost` is the default; the others are there to compare.
 */
import { CacheAware } from "./cache-aware.ts";
import { Cost } from "./cost.ts";
import { DynamoCost } from "./dynamo.ts";
import { GieWeighted } from "./gie-weighted.ts";
import type { InferenceWorld, TellingPolicy } from "./inference-policy.ts";
import { LeastLoad } from "./least-load.ts";
import { LeastTokens } from "./least-tokens.ts";
import { LeastUncached } from "./least-uncached.ts";
import { Lmetric } from "./lmetric.ts";
import { MinTtft } from "./min-ttft.ts";
import { AtRandom, BetterOfTwo, FewestInFlight, InTurn } from "./plain-rules.ts";
import { PrefixHash } from "./prefix-hash.ts";
import { RuledPolicy, type RuleFactory } from "./rule.ts";
import { Sticky } from "./sticky.ts";

const RULES = {
  cost: (knowledge, prng) => new Cost(knowledge, prng),
  "round-robin": (knowledge, prng) => new InTurn(knowledge, prng),
  random: (knowledge, prng) => new AtRandom(knowledge, prng),
  "least-request": (knowledge, prng) => new FewestInFlight(knowledge, prng),
  "two-choices": (knowledge, prng) => new BetterOfTwo(knowledge, prng),
  "least-tokens": (knowledge, prng) => new LeastTokens(knowledge, prng),
  "least-uncached": (knowledge, prng) => new LeastUncached(knowledge, prng),
  "gie-1-1-1": (knowledge, prng) => new GieWeighted(knowledge, prng, { queue: 1, kv: 1, prefix: 1 }),
  "gie-2-2-3": (knowledge, prng) => new GieWeighted(knowledge, prng, { queue: 2, kv: 2, prefix: 3 }),
  "cache-aware": (knowledge, prng) => new CacheAware(knowledge, prng),
  dynamo: (knowledge, prng) => new DynamoCost(knowledge, prng),
  lmetric: (knowledge, prng) => new Lmetric(knowledge, prng),
  "least-load": (knowledge, prng) => new LeastLoad(knowledge, prng),
  "sticky-18s": (knowledge, prng) => new Sticky(knowledge, prng, 18_000),
  "sticky-2s": (knowledge, prng) => new Sticky(knowledge, prng, 2000),
  "prefix-hash": (knowledge, prng) => new PrefixHash(knowledge, prng),
  "min-ttft": (knowledge, prng) => new MinTtft(knowledge, prng),
} as const satisfies Record<string, RuleFactory>;

export type InferencePolicyName = keyof typeof RULES;
export const INFERENCE_POLICIES = Object.keys(RULES) as readonly InferencePolicyName[];

export function createInferencePolicy(name: InferencePolicyName, world: InferenceWorld): TellingPolicy {
  return new RuledPolicy(world, RULES[name]);
}
