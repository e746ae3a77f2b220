/**
 * A model server in virtual time: an engine, its timer, and where its events go.
 */
import type { EngineConfig, EngineListener } from "../engine/engine-config.ts";
import { InferenceEngine } from "../engine/inference-engine.ts";
import type { Engine as Timeline, Source } from "../world/engine.ts";
import type { Call } from "./call.ts";

/** Whom a host tells of its requests and its cache. */
export interface HostWatcher {
  firstToken(call: Call): void;
  token(call: Call, generated: number): void;
  finished(call: Call, cachedTokens: number): void;
  dropped(call: Call): void;
  blockStored(slot: number, hash: number): void;
  blockRemoved(slot: number, hash: number): void;
}

export class Host implements Source, EngineListener {
  readonly slot: number;
  readonly engine: InferenceEngine;
  readonly #timeline: Timeline;
  readonly #timer: number;
  readonly #watcher: HostWatcher;
  readonly #calls = new Map<number, Call>();

  constructor(slot: number, config: EngineConfig, timeline: Timeline, watcher: HostWatcher) {
    this.slot = slot;
    this.engine = new InferenceEngine(config, this);
    this.#timeline = timeline;
    this.#timer = timeline.add(this);
    this.#watcher = watcher;
  }

  fire(): void {
    this.engine.advance(this.#timeline.nowMs);
    this.rearm();
  }

  /** After anything that may change when the engine acts next. */
  rearm(): void {
    const { nextStepMs } = this.engine;
    if (nextStepMs === Number.POSITIVE_INFINITY) this.#timeline.clear(this.#timer);
    else this.#timeline.set(this.#timer, nextStepMs);
  }

  /** False where nobody is there to take it. */
  take(call: Call): boolean {
    const request = {
      id: call.id,
      promptTokens: call.work.promptTokens,
      outputTokens: call.outputTokens,
      hashes: call.hashes,
    };
    const admission = this.engine.submit(request, this.#timeline.nowMs);
    if (admission === "down") return false;
    if (admission === "too-long") throw new Error(`request ${call.id} never fits into engine ${this.slot}`);
    this.#calls.set(call.id, call);
    this.rearm();
    return true;
  }

  cancel(call: Call): void {
    this.#calls.delete(call.id);
    this.engine.cancel(call.id, this.#timeline.nowMs);
    this.rearm();
  }

  firstToken(id: number): void {
    this.#watcher.firstToken(this.#calls.get(id)!);
  }

  token(id: number, generated: number): void {
    // The gateway sees every token; who counts them is told of every eighth, which is often enough and much cheaper.
    if (generated % TOKENS_PER_NOTE === 0) this.#watcher.token(this.#calls.get(id)!, generated);
  }

  finished(id: number, cachedTokens: number): void {
    const call = this.#calls.get(id)!;
    this.#calls.delete(id);
    this.#watcher.finished(call, cachedTokens);
  }

  preempted(): void {}

  dropped(id: number): void {
    const call = this.#calls.get(id)!;
    this.#calls.delete(id);
    this.#watcher.dropped(call);
  }

  blockStored(hashes: ArrayLike<number>, index: number): void {
    this.#watcher.blockStored(this.slot, hashes[index]!);
  }

  blockRemoved(hash: number): void {
    this.#watcher.blockRemoved(this.slot, hash);
  }
}

const TOKENS_PER_NOTE = 8;
