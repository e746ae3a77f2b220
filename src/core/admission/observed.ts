/**
 * What a route's requests typically do, learnt from what they did: time to the first byte, length of the stream after it,
 * bytes each way.
 *
 * "Typically" is the geometric mean over the last fifty or so: durations and sizes spread over orders of magnitude, and one
 * upload among a thousand lookups should not make them batch.
 *
 * Hysteresis: a bound once reached holds until the typical value falls below half of it, so that a route near a
 * bound does not change class with every request. The bounds that hold are those up to one number,
 *
 *     held = max(typical, min(held before, 2 * typical))
 *
 * so whoever asks changes nothing, and a bound that comes with a reload stands as if it had always been there. Below
 * SAMPLES_MIN requests nothing holds.
 *
 * Failures teach nothing: they are short for other reasons. Units: ms, bytes.
 */
import type { ObservedMatch, WorkloadKind } from "../../model/workload.ts";

const SAMPLE_SHARE = 1 / 50;
const SAMPLES_MIN = 20;
const RELEASE_RATIO = 0.5;
/** The kind is asked for with every request and moves with many; SAMPLES_MIN is a multiple of it. */
const KIND_EVERY = 4;

const MEBIBYTE = 1_048_576;

/** What makes a route one of the built-in kinds; the first that holds. Interactive is what none of these is. */
const BUILT_IN_HABITS: readonly { readonly kind: WorkloadKind; readonly match: ObservedMatch }[] = [
  // Answers that keep coming for longer than anyone waits for a page.
  { kind: "streaming", match: atLeast({ streamMsMin: 5_000 }) },
  // Nobody sits and waits for ten minutes.
  { kind: "training", match: atLeast({ durationMsMin: 600_000 }) },
  // Longer than a person's attention lasts (Nielsen 1993: ten seconds), or too large to look at.
  { kind: "batch", match: atLeast({ durationMsMin: 10_000 }) },
  { kind: "batch", match: atLeast({ requestBytesMin: 64 * MEBIBYTE }) },
  { kind: "batch", match: atLeast({ responseBytesMin: 64 * MEBIBYTE }) },
];

export interface RequestSize {
  readonly firstByteMs: number;
  readonly totalMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

export class RouteHabits {
  #samples = 0;
  #kind: WorkloadKind = "interactive";
  readonly #durationMs = new Habit();
  readonly #streamMs = new Habit();
  readonly #requestBytes = new Habit();
  readonly #responseBytes = new Habit();

  /** A request that was answered in full. */
  learn(size: RequestSize): void {
    this.#samples++;
    const share = Math.max(SAMPLE_SHARE, 1 / this.#samples);
    const isKnown = this.#samples >= SAMPLES_MIN;
    this.#durationMs.learn(size.firstByteMs, share, isKnown);
    this.#streamMs.learn(size.totalMs - size.firstByteMs, share, isKnown);
    this.#requestBytes.learn(size.requestBytes, share, isKnown);
    this.#responseBytes.learn(size.responseBytes, share, isKnown);
    if (this.#samples % KIND_EVERY === 0) this.#kind = this.#judgedKind();
  }

  /** Whether every bound given is reached, or was and has not been left by half. */
  holds(match: ObservedMatch): boolean {
    if (this.#samples < SAMPLES_MIN) return false;
    return (
      this.#durationMs.holds(match.durationMsMin) &&
      this.#streamMs.holds(match.streamMsMin) &&
      this.#requestBytes.holds(match.requestBytesMin) &&
      this.#responseBytes.holds(match.responseBytesMin)
    );
  }

  /** The built-in kind that the route's habits make it. */
  get kind(): WorkloadKind {
    return this.#kind;
  }

  #judgedKind(): WorkloadKind {
    return BUILT_IN_HABITS.find(({ match }) => this.holds(match))?.kind ?? "interactive";
  }
}

/** One of the things a route does. */
class Habit {
  /** Logarithm of one plus the value. */
  #mean = 0;
  /** The largest bound that holds. */
  #held = 0;

  learn(value: number, share: number, isKnown: boolean): void {
    this.#mean += (Math.log1p(Math.max(0, value)) - this.#mean) * share;
    if (!isKnown) return;
    const typical = Math.expm1(this.#mean);
    this.#held = Math.max(typical, Math.min(this.#held, typical / RELEASE_RATIO));
  }

  holds(bound: number | undefined): boolean {
    return bound === undefined || this.#held >= bound;
  }
}

function atLeast(bounds: Partial<ObservedMatch>): ObservedMatch {
  return {
    durationMsMin: undefined,
    streamMsMin: undefined,
    requestBytesMin: undefined,
    responseBytesMin: undefined,
    ...bounds,
  };
}
