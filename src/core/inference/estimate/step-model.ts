/**
 * How long an engine takes: a model of its steps with six constants, learned from when tokens come.
 *
 *     prefill(u, c) = pace * (a * u + b * u * (c + u / 2))      u uncached tokens behind c cached ones       [ms]
 *     begin         = pace * s * step                           until a step takes the prompt in, and ends    [ms]
 *     step(n, k)    = pace' * (d0 + d1 * n + d2 * k)            n streams with k tokens of context together    [ms]
 *
 * The constants are the fleet's; `pace` (pace.ts) is each slot's own factor, one for prefill and one for decode. So a new
 * endpoint begins as an average one, one endpoint's samples serve all, and a slow one is known after a second of its work.
 *
 * Engines serve prompts in order. So the time between two first tokens of a slot, or since the request was sent if that is
 * later, is what the prompt took: a service time, free of queueing. Prompts of one step end together and count as
 * one piece of work. Only own observations count: nothing an engine says of itself enters.
 *
 * Defaults: an 8B model on an H100 (measured kernels of AIConfigurator, see docs/inference.md); they last for a handful of requests.
 */
import { grown } from "../../signals/grown.ts";
import { LeastSquares } from "./least-squares.ts";
import { Pace } from "./pace.ts";

/** First tokens closer together than this come from one step. */
const SAME_STEP_MS = 1;
/** Between two samples of the decode step of a slot. */
const DECODE_EVERY_MS = 25;

const KILO = 1 / 1000;

export class StepModel {
  /** Of [step, 1000 u, 10^6 pairs]: s, 1000 a, 10^6 b. */
  readonly #prefill = new LeastSquares({
    coefficients: [1.2, 22, 0.6],
    least: [0.2, 0.5, 0.01],
    most: [5, 5000, 100],
    spread: [0.6, 40, 1.5],
  });
  /** Of [1, n, 1000 k]: d0, d1, 1000 d2. */
  readonly #decode = new LeastSquares({
    coefficients: [7, 0.03, 0.04],
    least: [0.2, 0, 0],
    most: [500, 5, 5],
    spread: [15, 0.1, 0.1],
  });
  readonly #prefillPace = new Pace({ from: 0.15, to: 0.5 });
  readonly #decodePace = new Pace({ from: 0.03, to: 0.1 });
  /** By slot: the step whose first tokens are being gathered. */
  #batch = createBatches(16);
  #decodeSampleMs = new Float64Array(16);

  joined(slot: number, nowMs: number): void {
    if (slot >= this.#decodeSampleMs.length) this.#grow(slot);
    const batch = this.#batch;
    batch.endMs[slot] = nowMs;
    batch.beginMs[slot] = nowMs;
    batch.tokens[slot] = 0;
    batch.pairs[slot] = 0;
    batch.stepMs[slot] = 0;
    batch.open[slot] = 0;
    this.#decodeSampleMs[slot] = nowMs;
    this.#prefillPace.joined(slot, nowMs);
    this.#decodePace.joined(slot, nowMs);
  }

  /** Fleet's pace: what a slot's pace multiplies. */
  prefillWorkMs(uncached: number, cached: number): number {
    const { coefficients } = this.#prefill;
    const pairs = uncached * (cached + uncached / 2);
    return coefficients[1]! * uncached * KILO + coefficients[2]! * pairs * 1e-6;
  }

  prefillPace(slot: number, nowMs: number): number {
    return this.#prefillPace.of(slot, nowMs);
  }

  decodePace(slot: number, nowMs: number): number {
    return this.#decodePace.of(slot, nowMs);
  }

  /** One decode step at fleet's pace. */
  stepMs(streams: number, contextTokens: number): number {
    const { coefficients } = this.#decode;
    return coefficients[0]! + coefficients[1]! * streams + coefficients[2]! * contextTokens * KILO;
  }

  /** What one stream of so much context adds to every step, at fleet's pace. */
  streamMs(contextTokens: number): number {
    const { coefficients } = this.#decode;
    return coefficients[1]! + coefficients[2]! * contextTokens * KILO;
  }

  /** How many steps, `stepMs` each, pass beside the prompt's own work before its first token. */
  get beginSteps(): number {
    return this.#prefill.coefficients[0]!;
  }

  /** A first token of a prompt sent at `sentMs`, with the step's other load. */
  firstToken(
    slot: number,
    sentMs: number,
    uncached: number,
    cached: number,
    stepMs: number,
    nowMs: number,
  ): void {
    const batch = this.#batch;
    this.settle(slot, nowMs);
    if (batch.open[slot] === 0) {
      batch.open[slot] = 1;
      batch.beginMs[slot] = Math.max(batch.endMs[slot]!, sentMs);
      batch.tokens[slot] = 0;
      batch.pairs[slot] = 0;
      batch.stepMs[slot] = stepMs;
    } else if (batch.beginMs[slot]! > sentMs) {
      batch.beginMs[slot] = Math.max(batch.beforeMs[slot]!, sentMs);
    }
    if (batch.tokens[slot] === 0) batch.beforeMs[slot] = batch.endMs[slot]!;
    batch.tokens[slot] = batch.tokens[slot]! + uncached;
    batch.pairs[slot] = batch.pairs[slot]! + uncached * (cached + uncached / 2);
    batch.endMs[slot] = nowMs;
  }

  /** Learns from the last first tokens of the slot once no more can come of their step. Cheap: at any event of the slot. */
  settle(slot: number, nowMs: number): void {
    const batch = this.#batch;
    if (batch.open[slot] !== 0 && nowMs - batch.endMs[slot]! > SAME_STEP_MS) this.#learnPrefill(slot, nowMs);
  }

  /** Decode steps between two looks at a stream, while the slot had no prompt to work on. */
  decoded(
    slot: number,
    steps: number,
    takenMs: number,
    streams: number,
    contextTokens: number,
    nowMs: number,
  ): void {
    if (!(steps > 0) || nowMs - this.#decodeSampleMs[slot]! < DECODE_EVERY_MS) return;
    this.#decodeSampleMs[slot] = nowMs;
    const decode = this.#decode;
    decode.features[0] = 1;
    decode.features[1] = streams;
    decode.features[2] = contextTokens * KILO;
    this.#decodePace.learn(slot, takenMs, decode.predict() * steps, nowMs);
    // Of a slow machine's samples the slowness is its own, not the fleet's.
    decode.learn(takenMs / steps / this.#decodePace.relative(slot, nowMs));
  }

  /** For people: s, a [ms/token], b [ms/token²], d0 [ms], d1 [ms], d2 [ms/token]. */
  constants(): readonly number[] {
    const prefill = this.#prefill.coefficients;
    const decode = this.#decode.coefficients;
    return [prefill[0]!, prefill[1]! * KILO, prefill[2]! * 1e-6, decode[0]!, decode[1]!, decode[2]! * KILO];
  }

  #learnPrefill(slot: number, nowMs: number): void {
    const batch = this.#batch;
    batch.open[slot] = 0;
    const prefill = this.#prefill;
    const takenMs = batch.endMs[slot]! - batch.beginMs[slot]!;
    prefill.features[0] = batch.stepMs[slot]!;
    prefill.features[1] = batch.tokens[slot]! * KILO;
    prefill.features[2] = batch.pairs[slot]! * 1e-6;
    this.#prefillPace.learn(slot, takenMs, prefill.predict(), nowMs);
    prefill.learn(takenMs / this.#prefillPace.relative(slot, nowMs));
  }

  #grow(slot: number): void {
    let length = this.#decodeSampleMs.length;
    while (slot >= length) length *= 2;
    const before = this.#batch;
    const after = createBatches(length);
    for (const name of ["beginMs", "endMs", "beforeMs", "tokens", "pairs", "stepMs"] as const)
      after[name].set(before[name]);
    after.open.set(before.open);
    this.#batch = after;
    this.#decodeSampleMs = grown(this.#decodeSampleMs, length);
  }
}

interface Batches {
  readonly open: Uint8Array;
  /** When the engine can have begun with it, and its last first token; before it is open, the end of the one before. */
  readonly beginMs: Float64Array;
  readonly endMs: Float64Array;
  readonly beforeMs: Float64Array;
  readonly tokens: Float64Array;
  readonly pairs: Float64Array;
  readonly stepMs: Float64Array;
}

function createBatches(length: number): Batches {
  return {
    open: new Uint8Array(length),
    beginMs: new Float64Array(length),
    endMs: new Float64Array(length),
    beforeMs: new Float64Array(length),
    tokens: new Float64Array(length),
    pairs: new Float64Array(length),
    stepMs: new Float64Array(length),
  };
}
