/**
 * How a model server is set up. Everything has a default but the profile's name, which is what it pretends to be.
 */
import type { EngineProfile } from "../../sim/engine/profiles.ts";
import {
  A100_70B_TP4,
  A100_8B,
  H100_70B_TP4,
  H100_70B_TP8,
  H100_8B,
  H200_70B_TP4,
  H200_8B,
  RTX4090_8B,
} from "../../sim/engine/profiles.ts";
import type { AnswerLengths } from "./answers.ts";

export interface CacheEventOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly replayPort: number;
  readonly topic: string;
  /** Batches kept for replay; 0: no replay socket. */
  readonly keeps: number;
}

export interface ModelServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Told in the header `x-endpoint` of every answer. */
  readonly name: string;
  readonly profile: EngineProfile;
  /** Engine milliseconds per millisecond: 1 is real time, 10 ten times as fast. */
  readonly speed: number;
  readonly model: string;
  /** LoRA adapters known from the start; more may be loaded as in vLLM. */
  readonly adapters: readonly string[];
  /** Adapters that fit on the device at a time, and what it costs to load one. */
  readonly adapterPlaces: number;
  readonly adapterLoadMs: number;
  readonly blockTokens: number;
  /** Prompt and answer together (max_model_len). */
  readonly contextTokensMax: number;
  readonly bodyBytesMax: number;
  /** Requests inside at a time; beyond: 503. */
  readonly requestsMax: number;
  readonly answers: AnswerLengths;
  /** Undefined: no cache events. */
  readonly cacheEvents: CacheEventOptions | undefined;
}

export const MODEL_DEFAULT = "llama-3.1-8b";

export const DEFAULT_OPTIONS: ModelServerOptions = {
  host: "127.0.0.1",
  port: 0,
  name: "model-server",
  profile: RTX4090_8B,
  speed: 1,
  model: MODEL_DEFAULT,
  adapters: [],
  adapterPlaces: 4,
  adapterLoadMs: 100,
  blockTokens: 16,
  contextTokensMax: 32_768,
  bodyBytesMax: 16_777_216,
  requestsMax: 4096,
  answers: { mean: 128, sigma: 0.8 },
  cacheEvents: undefined,
};

export const DEFAULT_CACHE_EVENTS: CacheEventOptions = { port: 0, replayPort: 0, topic: "", keeps: 10_000 };

export const PROFILES: ReadonlyMap<string, EngineProfile> = new Map(
  [A100_8B, H100_8B, H200_8B, A100_70B_TP4, H100_70B_TP4, H100_70B_TP8, H200_70B_TP4, RTX4090_8B].map(
    (profile) => [profile.name, profile],
  ),
);
