/**
 * A rule: how one policy chooses, given all that is known; and `RuledPolicy`, which keeps that knowledge and asks the rule.
 *
 * So a policy is one small file with a formula in it, and all of them see the same world: comparisons between them
 * compare the formulas.
 */
import type { Factor } from "../../../model/explanation.ts";
import type { Prng } from "../../../std/prng.ts";
import type { Choice } from "./choice.ts";
import type {
  AskedPolicy,
  BlockHashes,
  EngineProfile,
  EngineReport,
  InferenceEnd,
  InferenceRequest,
  InferenceWorld,
  TellingPolicy,
} from "./inference-policy.ts";
import { Knowledge } from "./knowledge.ts";

export interface Rule {
  /** Of the last `choose` among two or more. */
  readonly choice: Choice;
  /** One of the first `count` candidates; `count` is at least 1. */
  choose(request: InferenceRequest, candidates: Int32Array, count: number, nowMs: number): number;
  /** Told after the knowledge has taken it in. */
  sent?(slot: number, request: InferenceRequest, nowMs: number): void;
  left?(slot: number): void;
  factors(slot: number, request: InferenceRequest, nowMs: number): readonly Factor[];
  /** The same rule with the same memory and another generator; left out: it remembers nothing between choices. */
  copy?(knowledge: Knowledge, prng: Prng): Rule;
}

export type RuleFactory = (knowledge: Knowledge, prng: Prng) => Rule;

export class RuledPolicy implements TellingPolicy {
  readonly knowledge: Knowledge;
  readonly #rule: Rule;
  readonly #makeRule: RuleFactory;

  constructor(world: InferenceWorld, makeRule: RuleFactory) {
    this.knowledge = new Knowledge(world.indexBlocksMax);
    this.#rule = makeRule(this.knowledge, world.prng);
    this.#makeRule = makeRule;
  }

  get choice(): Choice {
    return this.#rule.choice;
  }

  choose(request: InferenceRequest, candidates: Int32Array, count: number, nowMs: number): number {
    return this.#rule.choose(request, candidates, count, nowMs);
  }

  sent(slot: number, request: InferenceRequest, nowMs: number): void {
    this.knowledge.sent(slot, request, nowMs);
    this.#rule.sent?.(slot, request, nowMs);
  }

  firstToken(slot: number, request: InferenceRequest, nowMs: number): void {
    this.knowledge.firstToken(slot, request, nowMs);
  }

  tokens(slot: number, request: InferenceRequest, total: number, nowMs: number): void {
    this.knowledge.tokens(slot, request, total, nowMs);
  }

  ended(slot: number, request: InferenceRequest, end: InferenceEnd, nowMs: number): void {
    this.knowledge.ended(slot, request, end, nowMs);
  }

  reported(slot: number, report: EngineReport, _nowMs: number): void {
    this.knowledge.reported(slot, report);
  }

  cacheStored(slot: number, hashes: BlockHashes, _nowMs: number): void {
    this.knowledge.cacheStored(slot, hashes);
  }

  cacheRemoved(slot: number, hashes: BlockHashes, _nowMs: number): void {
    this.knowledge.cacheRemoved(slot, hashes);
  }

  cacheCleared(slot: number, _nowMs: number): void {
    this.knowledge.cacheCleared(slot);
  }

  joined(slot: number, profile: EngineProfile | undefined, nowMs: number): void {
    this.knowledge.joined(slot, profile, nowMs);
  }

  left(slot: number): void {
    this.knowledge.left(slot);
    this.#rule.left?.(slot);
  }

  factors(slot: number, request: InferenceRequest, nowMs: number): readonly Factor[] {
    return this.#rule.factors(slot, request, nowMs);
  }

  cachedBlocks(slot: number, blocks: BlockHashes): number {
    return this.knowledge.index.depthOf(slot, blocks);
  }

  shadow(prng: Prng): AskedPolicy {
    const { knowledge } = this;
    const copy = (): Rule => this.#rule.copy?.(knowledge, prng) ?? this.#makeRule(knowledge, prng);
    const chooser = copy();
    // A choice is remembered too, so that factors are asked of one that has made none.
    const teller = copy();
    return {
      choice: chooser.choice,
      choose: (request, candidates, count, nowMs) =>
        knowledge.aside(() => chooser.choose(request, candidates, count, nowMs)),
      factors: (slot, request, nowMs) => knowledge.aside(() => teller.factors(slot, request, nowMs)),
    };
  }
}
