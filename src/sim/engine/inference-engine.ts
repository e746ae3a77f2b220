/**
 * A model server that believes it has a device: vLLM v1's scheduler, its block pool and prefix cache, and a clock of steps.
 *
 * To drive it, in virtual or in real time:
 *
 *     const engine = new InferenceEngine(configOf(H100_8B), listener);
 *     engine.submit({ id, promptTokens, outputTokens, hashes }, nowMs);
 *     // whenever the clock reaches engine.nextStepMs (which submit, cancel and every fault may change):
 *     engine.advance(nowMs);        // ends every step that is over by now, tells the listener, begins the next one
 *
 * `advance` may be called late or for nothing; events carry the time at which they happened. The listener may submit and cancel
 * from within an event, but not crash the engine. It knows no clock and no chance.
 *
 * A step, as vllm/v1/core/sched/scheduler.py decides it: (1) running sequences in order get their next tokens while the step's budget
 * lasts; where a block is missing the last running one is preempted: its blocks freed, everything to be computed again, first
 * in the queue. (2) If nobody was preempted, waiting ones are admitted in order while budget, seats and blocks allow; the longest cached
 * prefix counts as computed, but never the last token; one whose whole sequence does not fit waits, and all behind it
 * (`scheduler_reserve_full_isl`). (3) The step lasts as long as kernel-times.ts says. At its end those that are computed to their last
 * token get one more.
 *
 * Not modelled: speculative decoding, the one-step lead of asynchronous scheduling, transfers between servers.
 *
 * Invariants: one event sequence per request, first token before further ones, exactly one of finished and dropped; blocks free
 * and referred to sum to the pool; a step runs whenever something can.
 */
import { Adapters } from "./adapters.ts";
import { BlockPool, NO_BLOCK } from "./block-pool.ts";
import type { Admission, EngineConfig, EngineListener } from "./engine-config.ts";
import { emptyTotals, type EngineMetrics, type EngineTotals } from "./engine-metrics.ts";
import { emptyLoad, kernelMs } from "./kernel-times.ts";
import { Sequence, type EngineRequest } from "./sequence.ts";
import { WaitingLine } from "./waiting-line.ts";

const NEVER = Number.POSITIVE_INFINITY;

export class InferenceEngine {
  readonly config: EngineConfig;
  readonly totals: EngineTotals = emptyTotals();
  readonly pool: BlockPool;
  readonly #listener: EngineListener;
  readonly #adapters: Adapters;
  readonly #sequences = new Map<number, Sequence>();
  #running: Sequence[] = [];
  readonly #waiting = new WaitingLine();
  readonly #load = emptyLoad();
  /** When the step that runs ends, or one may begin. */
  #dueMs = NEVER;
  #isStepping = false;
  /** While events are told: who is canceled then is left to the loop that tells them. */
  #isEnding = false;
  #stepBeganMs = 0;
  /** While it hangs: what was left of the step. */
  #heldMs = NEVER;
  #isHanging = false;
  #isDown = false;
  #factor = 1;

  constructor(config: EngineConfig, listener: EngineListener) {
    this.config = config;
    this.#listener = listener;
    this.pool = new BlockPool(config.blocks - 1, listener);
    this.#adapters = new Adapters(config.adapterPlaces);
  }

  /** When `advance` has something to do; Infinity while nothing can happen. */
  get nextStepMs(): number {
    return this.#isHanging || this.#isDown ? NEVER : this.#dueMs;
  }

  get runningCount(): number {
    return this.#running.length;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  submit(request: EngineRequest, nowMs: number): Admission {
    if (this.#isDown) return "down";
    const tokens = request.promptTokens + request.outputTokens;
    if (Math.ceil(tokens / this.config.blockTokens) > this.pool.size) return "too-long";
    const sequence = new Sequence(request);
    this.#sequences.set(request.id, sequence);
    this.#waiting.push(sequence);
    this.#wake(nowMs);
    return "queued";
  }

  /** The client is gone. False where it is not inside. */
  cancel(id: number, nowMs: number): boolean {
    const sequence = this.#sequences.get(id);
    if (sequence === undefined) return false;
    this.#sequences.delete(id);
    this.totals.canceled++;
    if (sequence.isRunning) {
      if (!this.#isEnding) this.#running.splice(this.#running.indexOf(sequence), 1);
      this.#stopRunning(sequence);
    } else {
      this.#waiting.remove(sequence);
    }
    // Whoever waited for its blocks can begin now.
    this.#wake(nowMs);
    return true;
  }

  advance(nowMs: number): void {
    while (this.nextStepMs <= nowMs) {
      const atMs = this.#dueMs;
      if (this.#isStepping) this.#endStep(atMs);
      this.#beginStep(atMs);
    }
  }

  /** It takes requests and does nothing more. */
  hang(nowMs: number): void {
    if (this.#isHanging) return;
    this.#isHanging = true;
    this.#heldMs = Math.max(0, this.#dueMs - nowMs);
  }

  /** It goes on where it stood. */
  resume(nowMs: number): void {
    if (!this.#isHanging) return;
    this.#isHanging = false;
    this.#dueMs = nowMs + this.#heldMs;
    this.#stepBeganMs = Math.max(this.#stepBeganMs, nowMs);
  }

  /** The process dies: what is inside is dropped, what was cached is gone, nothing is taken until `restart`. */
  crash(nowMs: number): void {
    this.#isDown = true;
    const inside = [...this.#sequences.keys()];
    this.#sequences.clear();
    this.#running = [];
    this.#waiting.clear();
    this.#isStepping = false;
    this.#isHanging = false;
    this.#dueMs = NEVER;
    this.pool.clear();
    this.#adapters.clear();
    for (const id of inside) this.#listener.dropped(id, nowMs);
  }

  restart(): void {
    this.#isDown = false;
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  /** Steps that begin from now on take `factor` times as long. */
  slow(factor: number): void {
    this.#factor = factor;
  }

  metrics(): EngineMetrics {
    const { totals, pool } = this;
    return {
      "vllm:num_requests_running": this.#running.length,
      "vllm:num_requests_waiting": this.waitingCount,
      "vllm:kv_cache_usage_perc": 1 - pool.free / pool.size,
      "vllm:prefix_cache_queries_total": totals.queriedTokens,
      "vllm:prefix_cache_hits_total": totals.hitTokens,
      "vllm:num_preemptions_total": totals.preemptions,
      "vllm:prompt_tokens_total": totals.promptTokens,
      "vllm:generation_tokens_total": totals.generatedTokens,
      block_size: this.config.blockTokens,
      num_gpu_blocks: this.config.blocks,
      adapters: this.#adapters.names,
    };
  }

  #wake(nowMs: number): void {
    if (this.#dueMs !== NEVER) return;
    this.#dueMs = nowMs;
    if (this.#isHanging) this.#heldMs = 0;
  }

  #endStep(atMs: number): void {
    this.#isStepping = false;
    this.totals.busyMs += atMs - this.#stepBeganMs;
    const running = this.#running;
    this.#isEnding = true;
    let kept = 0;
    for (let index = 0; index < running.length; index++) {
      const sequence = running[index]!;
      if (sequence.scheduled > 0) this.#endShare(sequence, atMs);
      if (sequence.isRunning) running[kept++] = sequence;
    }
    running.length = kept;
    this.#isEnding = false;
  }

  /** What the step did for one sequence. */
  #endShare(sequence: Sequence, atMs: number): void {
    sequence.computed += sequence.scheduled;
    sequence.scheduled = 0;
    if (sequence.computed < sequence.tokens) return;
    const generated = ++sequence.generated;
    this.totals.generatedTokens++;
    if (generated === 1) {
      this.totals.promptTokens += sequence.promptTokens;
      this.#listener.firstToken(sequence.id, atMs);
    } else {
      this.#listener.token(sequence.id, generated, atMs);
    }
    if (generated < sequence.outputTokens) return;
    this.#sequences.delete(sequence.id);
    this.#stopRunning(sequence);
    this.totals.finished++;
    this.#listener.finished(sequence.id, sequence.cachedTokens, atMs);
  }

  #beginStep(nowMs: number): void {
    const { profile } = this.config;
    const load = this.#load;
    load.tokens = 0;
    load.samples = 0;
    load.decodes = 0;
    load.decodeContext = 0;
    load.prefillTokens = 0;
    load.prefillPairs = 0;
    let loadMs = 0;
    if (this.#continueRunning(nowMs)) loadMs = this.#admit();
    if (load.tokens === 0) {
      this.#dueMs = NEVER;
      return;
    }
    this.totals.steps++;
    this.totals.computedTokens += load.tokens;
    this.#isStepping = true;
    this.#stepBeganMs = nowMs;
    this.#dueMs = nowMs + (kernelMs(profile.kernels, load) + profile.hostMs) * this.#factor + loadMs;
  }

  /** False where somebody had to be preempted: then nobody is admitted in this step. */
  #continueRunning(nowMs: number): boolean {
    const running = this.#running;
    let budget = this.config.profile.stepTokensMax;
    let preempted = false;
    for (let index = 0; index < running.length && budget > 0; index++) {
      const sequence = running[index]!;
      if (this.#decode(sequence)) {
        budget--;
        continue;
      }
      const tokens = Math.min(sequence.tokens - sequence.computed, budget);
      const missing =
        Math.ceil((sequence.computed + tokens) / this.config.blockTokens) - sequence.blocks.length;
      while (missing > this.pool.free && running.length > index) {
        this.#preempt(running.pop()!, nowMs);
        preempted = true;
      }
      // It was the last one itself.
      if (running.length <= index) break;
      this.#schedule(sequence, tokens, missing);
      budget -= tokens;
    }
    return !preempted;
  }

  /**
   * The usual case, for speed: one more token, in a block that is there and will not be full. False where it is another case;
   * the general way would do the same.
   */
  #decode(sequence: Sequence): boolean {
    const { computed, generated, blocks } = sequence;
    const end = computed + 1;
    if (generated === 0 || end !== sequence.promptTokens + generated) return false;
    if (end >= blocks.length * this.config.blockTokens) return false;
    sequence.scheduled = 1;
    const load = this.#load;
    load.tokens++;
    load.samples++;
    load.decodes++;
    load.decodeContext += end;
    return true;
  }

  #preempt(sequence: Sequence, nowMs: number): void {
    this.#stopRunning(sequence);
    sequence.computed = 0;
    sequence.hashed = 0;
    sequence.preemptions++;
    this.totals.preemptions++;
    this.#waiting.pushFront(sequence);
    this.#listener.preempted(sequence.id, nowMs);
  }

  /** Milliseconds spent loading adapters. */
  #admit(): number {
    const { profile, adapterLoadMs } = this.config;
    let loadMs = 0;
    let budget = profile.stepTokensMax - this.#load.tokens;
    const passed: Sequence[] = [];
    while (budget > 0 && this.#running.length < profile.sequencesMax) {
      const sequence = this.#waiting.peek();
      if (sequence === undefined) break;
      const { adapter } = sequence.request;
      if (!this.#adapters.canServe(adapter)) {
        passed.push(this.#waiting.shift());
        continue;
      }
      const tokens = this.#place(sequence, budget);
      if (tokens === 0) break;
      this.#waiting.shift();
      if (this.#adapters.begin(adapter)) {
        loadMs += adapterLoadMs;
        this.totals.adapterLoads++;
      }
      sequence.isRunning = true;
      this.#running.push(sequence);
      budget -= tokens;
    }
    while (passed.length > 0) this.#waiting.pushFront(passed.pop()!);
    return loadMs;
  }

  /** Takes what is cached and schedules what fits of the rest. 0: the whole of it does not fit. */
  #place(sequence: Sequence, budget: number): number {
    const { blockTokens } = this.config;
    const pool = this.pool;
    const { tokens, request, blocks } = sequence;
    const found = this.config.prefixCaching ? this.#countCached(sequence) : 0;
    let reawakened = 0;
    for (let index = 0; index < found; index++)
      if (pool.isFree(pool.find(request.hashes[index]!))) reawakened++;
    if (Math.ceil(tokens / blockTokens) - found > pool.free - reawakened) return 0;
    for (let index = 0; index < found; index++) {
      const block = pool.find(request.hashes[index]!);
      pool.share(block);
      blocks.push(block);
    }
    sequence.hashed = found;
    sequence.computed = found * blockTokens;
    if (sequence.cachedTokens < 0) {
      sequence.cachedTokens = sequence.computed;
      this.totals.queriedTokens += tokens;
      this.totals.hitTokens += sequence.computed;
    }
    const scheduled = Math.min(tokens - sequence.computed, budget);
    this.#schedule(sequence, scheduled, Math.ceil((sequence.computed + scheduled) / blockTokens) - found);
    return scheduled;
  }

  /** Blocks in front that are found; never all tokens, since the last one must be computed to get the next. */
  #countCached(sequence: Sequence): number {
    const { hashes } = sequence.request;
    const most = Math.min(hashes.length, Math.floor((sequence.tokens - 1) / this.config.blockTokens));
    let found = 0;
    while (found < most && this.pool.find(hashes[found]!) !== NO_BLOCK) found++;
    return found;
  }

  #schedule(sequence: Sequence, tokens: number, newBlocks: number): void {
    const { blocks } = sequence;
    for (let count = 0; count < newBlocks; count++) blocks.push(this.pool.take());
    sequence.scheduled = tokens;
    const end = sequence.computed + tokens;
    const load = this.#load;
    load.tokens += tokens;
    if (end === sequence.tokens) load.samples++;
    if (tokens === 1 && sequence.generated > 0) {
      load.decodes++;
      load.decodeContext += end;
    } else {
      load.prefillTokens += tokens;
      load.prefillPairs += tokens * (sequence.computed + tokens / 2);
    }
    // As in vLLM, found from the moment it is scheduled: whoever shares it computes in the same step or later.
    const full = Math.min(Math.floor(end / this.config.blockTokens), sequence.request.hashes.length);
    if (sequence.hashed < full && this.config.prefixCaching) this.#offer(sequence, full);
  }

  #offer(sequence: Sequence, full: number): void {
    const { hashes } = sequence.request;
    for (let index = sequence.hashed; index < full; index++) {
      if (this.pool.remember(sequence.blocks[index]!, hashes[index]!))
        this.#listener.blockStored(hashes, index);
    }
    sequence.hashed = full;
  }

  /** Gives back its blocks, the last one first, so that the beginning of a prefix is forgotten last. */
  #stopRunning(sequence: Sequence): void {
    const { blocks } = sequence;
    sequence.isRunning = false;
    sequence.scheduled = 0;
    for (let index = blocks.length - 1; index >= 0; index--) this.pool.release(blocks[index]!);
    blocks.length = 0;
    this.#adapters.end(sequence.request.adapter);
  }
}
