/**
 * The model servers of one pool, as the pool's brain meets them: the inference policy, told of every endpoint that joins and
 * leaves, and of every attempt from its claim to its end.
 *
 * A claim keeps the policy it was told to: should a reload bring another, each attempt still ends where it began.
 *
 * Invariant: what a policy asks of those who drive it (policy/inference-policy.ts) holds for every policy made here.
 */
import type { FilterReason } from "../../model/explanation.ts";
import type { InferencePoolSpec, ModelServer, Stage } from "../../model/inference-pool.ts";
import type { Outcome } from "../../model/outcome.ts";
import { murmur3 } from "../../std/murmur3.ts";
import type { Prng } from "../../std/prng.ts";
import { FREE, type Columns } from "../signals/columns.ts";
import { grown } from "../signals/grown.ts";
import { createInferencePolicy, INFERENCE_POLICIES } from "./policy/create-policy.ts";
import {
  DEFAULT_INDEX_BLOCKS_MAX,
  type AskedPolicy,
  type BlockHashes,
  type EngineReport,
  type InferencePolicy,
  type InferenceRequest,
  type TellingPolicy,
} from "./policy/inference-policy.ts";

/** Any number, the same on all gateways. */
const IDENTITY_SEED = 0x1b873593;

const NEVER = -1;

/** What of a claim matters here. */
export interface PromptClaim {
  readonly slot: number;
  prompt: InferenceRequest | undefined;
  told: InferencePolicy | undefined;
}

/** What a choice among model servers goes by. */
export interface PromptWorld {
  readonly policy: AskedPolicy;
  /** Undefined: the endpoint is meant for that stage of such a prompt. */
  misfit(slot: number, prompt: InferenceRequest, stage: Stage): Misfit | undefined;
  /** The same for asking what it would choose with that generator. */
  shadow(prng: Prng): PromptWorld;
}

export type Misfit = Extract<FilterReason, "other-stage" | "other-length">;

export interface ServerNames {
  endpointAt(slot: number): { readonly key: string };
}

export class ModelServers {
  readonly #prng: Prng;
  readonly #columns: Columns;
  readonly #names: ServerNames;
  #name = "";
  #policy: TellingPolicy | undefined = undefined;
  #world: PromptWorld | undefined = undefined;
  /** Endpoints that are not for every prompt. */
  #reservations: ReadonlyMap<string, ModelServer> = new Map();
  #hasPrefillers = false;
  /** By slot: its reservation; empty where nobody has one. */
  readonly #servers: (ModelServer | undefined)[] = [];
  readonly #misfit = (slot: number, prompt: InferenceRequest, stage: Stage): Misfit | undefined => {
    const server = this.#servers[slot];
    if (server === undefined) return undefined;
    const { stages, contextTokens } = server;
    if (stages !== undefined && !stages.includes(stage)) return "other-stage";
    if (contextTokens === undefined) return undefined;
    const tokens = prompt.promptTokens + prompt.expectedOutputTokens;
    return tokens >= contextTokens.min && tokens <= contextTokens.max ? undefined : "other-length";
  };
  /** By slot: the generation of the endpoint that the policy knows there. */
  #known = new Int32Array(0);

  constructor(columns: Columns, names: ServerNames, prng: Prng) {
    this.#columns = columns;
    this.#names = names;
    this.#prng = prng;
  }

  /** Undefined: the pool is not one of model servers. */
  get world(): PromptWorld | undefined {
    return this.#world;
  }

  /** Some endpoint does prefill and no decoding, so that a prompt may need two. */
  get hasPrefillers(): boolean {
    return this.#hasPrefillers;
  }

  isPrefiller(slot: number): boolean {
    const server = this.#servers[slot];
    return server !== undefined && isPrefiller(server);
  }

  /** After membership was taken over. `bound`: every slot in use is below it. */
  adopt(spec: InferencePoolSpec | undefined, bound: number, nowMs: number): void {
    const name = spec?.policy.policy ?? "";
    if (name !== this.#name) {
      this.#name = name;
      this.#policy = this.#create(name);
      this.#known.fill(NEVER);
    }
    const policy = this.#policy;
    this.#world = policy === undefined ? undefined : this.#worldOf(policy, policy);
    this.#reservations = new Map(spec?.servers.filter(isReserved).map((server) => [server.key, server]));
    this.#hasPrefillers = [...this.#reservations.values()].some(isPrefiller);
    this.#servers.length = 0;
    if (policy === undefined) return;
    if (this.#reservations.size > 0) {
      for (let slot = 0; slot < bound; slot++)
        this.#servers[slot] = this.#reservations.get(this.#names.endpointAt(slot).key);
    }
    if (this.#known.length < bound) {
      this.#known = grown(this.#known, this.#columns.capacity, NEVER);
    }
    const { state, generation } = this.#columns;
    for (let slot = 0; slot < bound; slot++) {
      if (state[slot] === FREE || this.#known[slot] === generation[slot]) continue;
      const identity = murmur3(this.#names.endpointAt(slot).key, IDENTITY_SEED);
      policy.joined(slot, { identity }, nowMs);
      this.#known[slot] = generation[slot]!;
    }
  }

  /** Leading blocks that the slot's cache is thought to hold. */
  cachedBlocks(slot: number, blocks: BlockHashes): number {
    if (this.#policy === undefined || (this.#known[slot] ?? NEVER) === NEVER) return 0;
    return this.#policy.cachedBlocks(slot, blocks);
  }

  /** The endpoint has left and has nothing in flight. */
  released(slot: number): void {
    if (this.#policy === undefined || (this.#known[slot] ?? NEVER) === NEVER) return;
    this.#policy.left(slot);
    this.#known[slot] = NEVER;
  }

  sent(claim: PromptClaim, prompt: InferenceRequest, nowMs: number): void {
    claim.prompt = prompt;
    claim.told = this.#policy;
    this.#policy?.sent(claim.slot, prompt, nowMs);
  }

  firstToken(claim: PromptClaim, nowMs: number): void {
    claim.told?.firstToken(claim.slot, claim.prompt!, nowMs);
  }

  tokens(claim: PromptClaim, total: number, nowMs: number): void {
    claim.told?.tokens(claim.slot, claim.prompt!, total, nowMs);
  }

  ended(claim: PromptClaim, { kind, usage }: Outcome, nowMs: number): void {
    const { told, prompt } = claim;
    claim.told = undefined;
    claim.prompt = undefined;
    if (told === undefined) return;
    const end = {
      kind,
      promptTokens: stated(usage?.promptTokens),
      cachedTokens: stated(usage?.cachedTokens),
      outputTokens: stated(usage?.outputTokens),
    };
    told.ended(claim.slot, prompt!, end, nowMs);
  }

  reported(slot: number, report: EngineReport, nowMs: number): void {
    this.#policy?.reported(slot, report, nowMs);
  }

  cacheStored(slot: number, hashes: BlockHashes, nowMs: number): void {
    this.#policy?.cacheStored(slot, hashes, nowMs);
  }

  cacheRemoved(slot: number, hashes: BlockHashes, nowMs: number): void {
    this.#policy?.cacheRemoved(slot, hashes, nowMs);
  }

  cacheCleared(slot: number, nowMs: number): void {
    this.#policy?.cacheCleared(slot, nowMs);
  }

  #worldOf(policy: AskedPolicy, real: TellingPolicy): PromptWorld {
    const shadow = (prng: Prng): PromptWorld => this.#worldOf(real.shadow(prng), real);
    return { policy, misfit: this.#misfit, shadow };
  }

  #create(name: string): TellingPolicy | undefined {
    if (name === "") return undefined;
    // Configuration lets only known names through.
    const known = INFERENCE_POLICIES.find((each) => each === name) ?? "cost";
    return createInferencePolicy(known, { prng: this.#prng, indexBlocksMax: DEFAULT_INDEX_BLOCKS_MAX });
  }
}

function isReserved({ stages, contextTokens }: ModelServer): boolean {
  return stages !== undefined || contextTokens !== undefined;
}

function isPrefiller({ stages }: ModelServer): boolean {
  return stages !== undefined && stages.includes("prefill") && !stages.includes("decode");
}

/** The model's -1 is "not said". */
function stated(tokens: number | undefined): number | undefined {
  return tokens === undefined || tokens < 0 ? undefined : tokens;
}
