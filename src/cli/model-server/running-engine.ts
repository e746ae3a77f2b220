/**
 * The simulated engine in real time: a timer per step, callbacks per sequence, cache events per step.
 *
 * The engine lives in its own milliseconds, `speed` of them to one of the wall's. A timer that fires late loses nothing: the
 * steps that are over by then end at the times at which they were due, and the next begins there. What a step gave is told
 * to each sequence once, after all of it is known, so a step with a hundred streams costs a hundred writes and one wake-up.
 *
 * Invariant: a sequence's user hears `moved` any number of times and then exactly one of finished and dropped, unless it cancels.
 */
import type { EngineConfig } from "../../sim/engine/engine-config.ts";
import { InferenceEngine } from "../../sim/engine/inference-engine.ts";
import type { EngineMetrics } from "../../sim/engine/engine-metrics.ts";
import { CacheNews, type BlockContent } from "./cache-news.ts";

/** One sequence's side of the story. Times are the engine's, in milliseconds. */
export interface SequenceUser {
  /** `generated` tokens are out by now. */
  moved(generated: number): void;
  /** All of them are; of the prompt so many tokens were in the cache. */
  finished(cachedTokens: number): void;
  /** The engine has died. */
  dropped(): void;
}

export interface SequenceWork {
  readonly content: BlockContent;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Undefined: the base model. */
  readonly adapter: number | undefined;
}

/** Who wants to know how long things took; of a sequence that is finished. */
export interface Timings {
  readonly firstTokenMs: number;
  /** First token to last. */
  readonly decodeMs: number;
  readonly wholeMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

export interface RunningEngineOptions {
  readonly config: EngineConfig;
  readonly speed: number;
  readonly timed: (timings: Timings) => void;
  /** A batch of cache events; undefined: nobody listens. */
  readonly published: ((batch: Buffer) => void) | undefined;
}

interface Inside {
  readonly work: SequenceWork;
  readonly user: SequenceUser;
  readonly submittedMs: number;
  firstMs: number;
  lastMs: number;
  generated: number;
  isMoved: boolean;
  cachedTokens: number;
}

const NOT_FINISHED = -1;
/** setTimeout's longest, 24 days. */
const TIMER_MAX_MS = 2_147_483_647;

export class RunningEngine {
  readonly #options: RunningEngineOptions;
  readonly #engine: InferenceEngine;
  readonly #startedMs = performance.now();
  readonly #inside = new Map<number, Inside>();
  readonly #contents = new Map<ArrayLike<number>, BlockContent>();
  readonly #news: CacheNews;
  /** Those to be told when the step is over, in the order in which they moved. */
  #moved: Inside[] = [];
  #dropped: Inside[] = [];
  #timer: NodeJS.Timeout | undefined;
  #nextId = 1;
  #isClosed = false;

  constructor(options: RunningEngineOptions) {
    this.#options = options;
    this.#news = new CacheNews(options.config.blockTokens);
    const publishes = options.published !== undefined;
    this.#engine = new InferenceEngine(options.config, {
      firstToken: (id, atMs) => this.#token(id, 1, atMs),
      token: (id, generated, atMs) => this.#token(id, generated, atMs),
      finished: (id, cachedTokens, atMs) => this.#finished(id, cachedTokens, atMs),
      preempted: () => {},
      dropped: (id) => this.#drop(id),
      blockStored: (hashes, index) => {
        const content = publishes ? this.#contents.get(hashes) : undefined;
        if (content !== undefined) this.#news.stored(content, index);
      },
      blockRemoved: (hash) => {
        if (publishes) this.#news.removed(hash);
      },
    });
  }

  /** Milliseconds of its own since it began. */
  get nowMs(): number {
    return (performance.now() - this.#startedMs) * this.#options.speed;
  }

  /** Sequences inside. */
  get size(): number {
    return this.#inside.size;
  }

  metrics(): EngineMetrics {
    return this.#engine.metrics();
  }

  /** Adapters of those inside, whether they run or wait. */
  adaptersInside(): ReadonlySet<number> {
    const adapters = new Set<number>();
    for (const { work } of this.#inside.values()) if (work.adapter !== undefined) adapters.add(work.adapter);
    return adapters;
  }

  /** Undefined: it would never fit. Else the number to cancel by. */
  submit(work: SequenceWork, user: SequenceUser): number | undefined {
    const id = this.#nextId++;
    const nowMs = this.nowMs;
    // What is over by now is over before this one comes.
    this.#engine.advance(nowMs);
    const { content, promptTokens, outputTokens, adapter } = work;
    this.#contents.set(content.hashes, content);
    const admission = this.#engine.submit(
      {
        id,
        promptTokens,
        outputTokens,
        hashes: content.hashes,
        ...(adapter === undefined ? {} : { adapter }),
      },
      nowMs,
    );
    if (admission === "queued") {
      this.#inside.set(id, {
        work,
        user,
        submittedMs: nowMs,
        firstMs: 0,
        lastMs: 0,
        generated: 0,
        isMoved: false,
        cachedTokens: NOT_FINISHED,
      });
    } else this.#contents.delete(content.hashes);
    this.#go();
    return admission === "queued" ? id : undefined;
  }

  cancel(id: number): void {
    const inside = this.#inside.get(id);
    if (inside === undefined) return;
    const nowMs = this.nowMs;
    this.#engine.advance(nowMs);
    this.#forget(id, inside);
    this.#engine.cancel(id, nowMs);
    this.#go();
  }

  hang(): void {
    this.#engine.advance(this.nowMs);
    this.#engine.hang(this.nowMs);
    this.#go();
  }

  resume(): void {
    this.#engine.resume(this.nowMs);
    this.#go();
  }

  /** Steps take `factor` times as long from now on. */
  slow(factor: number): void {
    this.#engine.slow(factor);
  }

  /** Everything inside is dropped; a new engine must be made afterwards. */
  crash(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#engine.crash(this.nowMs);
    for (const { user } of this.#dropped.splice(0)) user.dropped();
  }

  /** Ends every step that is over, tells of it, and sets the timer for the next one. */
  #go(): void {
    if (this.#isClosed) return;
    this.#engine.advance(this.nowMs);
    this.#tell();
    if (!this.#news.isEmpty) this.#options.published?.(this.#news.take(Date.now() / 1000));
    clearTimeout(this.#timer);
    const inMs = (this.#engine.nextStepMs - this.nowMs) / this.#options.speed;
    if (inMs < TIMER_MAX_MS) this.#timer = setTimeout(() => this.#go(), Math.max(0, inMs));
  }

  #tell(): void {
    const moved = this.#moved;
    if (moved.length === 0) return;
    this.#moved = [];
    for (const inside of moved) {
      inside.isMoved = false;
      inside.user.moved(inside.generated);
      if (inside.cachedTokens !== NOT_FINISHED) inside.user.finished(inside.cachedTokens);
    }
  }

  #token(id: number, generated: number, atMs: number): void {
    const inside = this.#inside.get(id);
    if (inside === undefined) return;
    if (generated === 1) inside.firstMs = atMs;
    inside.lastMs = atMs;
    inside.generated = generated;
    if (inside.isMoved) return;
    inside.isMoved = true;
    this.#moved.push(inside);
  }

  #finished(id: number, cachedTokens: number, atMs: number): void {
    const inside = this.#inside.get(id);
    if (inside === undefined) return;
    inside.cachedTokens = cachedTokens;
    this.#inside.delete(id);
    this.#contents.delete(inside.work.content.hashes);
    this.#options.timed({
      firstTokenMs: inside.firstMs - inside.submittedMs,
      decodeMs: inside.lastMs - inside.firstMs,
      wholeMs: atMs - inside.submittedMs,
      promptTokens: inside.work.promptTokens,
      outputTokens: inside.generated,
    });
  }

  #drop(id: number): void {
    const inside = this.#inside.get(id);
    if (inside === undefined) return;
    this.#forget(id, inside);
    this.#dropped.push(inside);
  }

  #forget(id: number, inside: Inside): void {
    this.#inside.delete(id);
    this.#contents.delete(inside.work.content.hashes);
    if (inside.isMoved) this.#moved = this.#moved.filter((other) => other !== inside);
  }
}
