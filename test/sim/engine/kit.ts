/**
 * For the tests of the model server: an engine whose events are kept, run to its end.
 */
import { configOf, type EngineConfig, type EngineListener } from "../../../src/sim/engine/engine-config.ts";
import { InferenceEngine } from "../../../src/sim/engine/inference-engine.ts";
import type { EngineProfile } from "../../../src/sim/engine/profiles.ts";
import type { EngineRequest } from "../../../src/sim/engine/sequence.ts";

export interface Life {
  arrivedMs: number;
  firstMs: number;
  lastMs: number;
  tokens: number;
  cachedTokens: number;
  finishedMs: number;
  droppedMs: number;
  preemptions: number;
}

export class Witness implements EngineListener {
  readonly lives = new Map<number, Life>();
  readonly stored: number[] = [];
  readonly removed: number[] = [];
  /** Tells when an order of events is broken. */
  readonly faults: string[] = [];

  arrived(id: number, atMs: number): void {
    this.lives.set(id, {
      arrivedMs: atMs,
      firstMs: Number.NaN,
      lastMs: Number.NaN,
      tokens: 0,
      cachedTokens: -1,
      finishedMs: Number.NaN,
      droppedMs: Number.NaN,
      preemptions: 0,
    });
  }

  life(id: number): Life {
    return this.lives.get(id)!;
  }

  firstToken(id: number, atMs: number): void {
    const life = this.life(id);
    if (life.tokens !== 0) this.faults.push(`second first token of ${id}`);
    if (atMs < life.arrivedMs) this.faults.push(`token of ${id} before it arrived`);
    life.tokens = 1;
    life.firstMs = atMs;
    life.lastMs = atMs;
  }

  token(id: number, generated: number, atMs: number): void {
    const life = this.life(id);
    if (generated !== life.tokens + 1) this.faults.push(`token ${generated} of ${id} after ${life.tokens}`);
    if (!(atMs > life.lastMs)) this.faults.push(`time of ${id} stands still`);
    life.tokens = generated;
    life.lastMs = atMs;
  }

  finished(id: number, cachedTokens: number, atMs: number): void {
    const life = this.life(id);
    if (!Number.isNaN(life.finishedMs)) this.faults.push(`second end of ${id}`);
    life.finishedMs = atMs;
    life.cachedTokens = cachedTokens;
  }

  preempted(id: number): void {
    this.life(id).preemptions++;
  }

  dropped(id: number, atMs: number): void {
    this.life(id).droppedMs = atMs;
  }

  blockStored(hashes: ArrayLike<number>, index: number): void {
    this.stored.push(hashes[index]!);
  }

  blockRemoved(hash: number): void {
    this.removed.push(hash);
  }
}

export interface Arrival extends EngineRequest {
  readonly atMs: number;
}

/** Runs the arrivals, ascending in time, until nothing is left to happen. `look` is called after every event. */
export function play(
  profile: EngineProfile,
  arrivals: readonly Arrival[],
  overrides: Partial<EngineConfig> = {},
  look?: (engine: InferenceEngine, nowMs: number) => void,
): { readonly engine: InferenceEngine; readonly witness: Witness } {
  const witness = new Witness();
  const engine = new InferenceEngine(configOf(profile, overrides), witness);
  let next = 0;
  for (;;) {
    const arrivalMs = arrivals[next]?.atMs ?? Number.POSITIVE_INFINITY;
    const nowMs = Math.min(arrivalMs, engine.nextStepMs);
    if (nowMs === Number.POSITIVE_INFINITY) return { engine, witness };
    // Who arrives at the instant of a step is part of it.
    if (arrivalMs <= nowMs) {
      witness.arrived(arrivals[next]!.id, nowMs);
      engine.submit(arrivals[next++]!, nowMs);
    } else {
      engine.advance(nowMs);
    }
    look?.(engine, nowMs);
  }
}

/** A device whose steps all take `stepMs`, whatever they do, and whose memory never ends. */
export function constantSteps(stepMs: number, overrides: Partial<EngineProfile> = {}): EngineProfile {
  return {
    name: "constant",
    kernels: {
      weightsMs: stepMs,
      weightsMsPerToken: 0,
      computeMs: 0,
      computeMsPerToken: 0,
      decodeMs: 0,
      decodeNsPerContextToken: 0,
      decodeUsPerSequence: 0,
      prefillPsPerTokenPair: 0,
      prefillNsPerToken: 0,
      headMs: 0,
      headMsPerSequence: 0,
      mix: 1,
    },
    hostMs: 0,
    kvTokens: 1_000_000,
    stepTokensMax: 8192,
    sequencesMax: 1024,
    ...overrides,
  };
}
