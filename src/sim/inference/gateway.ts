/**
 * A gateway in virtual time, with the same policy object that decides in the real one: it picks, sends, tells the policy what it sees of
 * the answer, and tries again elsewhere as long as the client has seen nothing.
 *
 * An endpoint that refuses or drops a request is left out for EJECTED_MS, as passive health checks do.
 */
import type { InferenceEnd, InferencePolicy } from "../../core/inference/policy/inference-policy.ts";
import type { OutcomeKind } from "../../model/outcome.ts";
import { Histogram } from "../measure/histogram.ts";
import type { Call, CallEnd } from "./call.ts";

const EJECTED_MS = 5000;
const TRIES_MAX = 3;

/** Answers seen so far weigh in so slowly; the first guess is a chat's usual length. */
const GUESS_WEIGHT = 0.02;
const FIRST_GUESS_TOKENS = 256;

export interface GatewayWorld {
  readonly nowMs: () => number;
  readonly send: (call: Call) => void;
  readonly ended: (call: Call) => void;
  /** Milliseconds of a real clock, for the cost of decisions; undefined: not measured. */
  readonly stopwatch: (() => number) | undefined;
}

export class InferenceGateway {
  readonly policy: InferencePolicy;
  readonly #world: GatewayWorld;
  readonly #candidates: Int32Array;
  readonly #ejectedUntilMs: Float64Array;
  #outputGuess = FIRST_GUESS_TOKENS;
  /** Microseconds of choose and sent, where they are measured. */
  readonly decisionsUs = new Histogram();

  constructor(policy: InferencePolicy, endpoints: number, world: GatewayWorld) {
    this.policy = policy;
    this.#world = world;
    this.#candidates = new Int32Array(endpoints);
    this.#ejectedUntilMs = new Float64Array(endpoints);
    for (let slot = 0; slot < endpoints; slot++) policy.joined(slot, undefined, world.nowMs());
  }

  arrived(call: Call): void {
    call.expectedOutputTokens = Math.round(this.#outputGuess);
    this.#try(call);
  }

  #try(call: Call): void {
    const nowMs = this.#world.nowMs();
    let count = 0;
    for (let slot = 0; slot < this.#candidates.length; slot++)
      if (this.#ejectedUntilMs[slot]! <= nowMs) this.#candidates[count++] = slot;
    if (count === 0 || call.tries >= TRIES_MAX) {
      this.#end(call, "failed");
      return;
    }
    const { stopwatch } = this.#world;
    const beganMs = stopwatch === undefined ? 0 : stopwatch();
    const slot = this.policy.choose(call, this.#candidates, count, nowMs);
    this.policy.sent(slot, call, nowMs);
    if (stopwatch !== undefined) this.decisionsUs.add(1000 * (stopwatch() - beganMs));
    call.slot = slot;
    call.tries++;
    this.#world.send(call);
  }

  firstToken(call: Call): void {
    const nowMs = this.#world.nowMs();
    call.firstMs = nowMs;
    call.generated = 1;
    this.policy.firstToken(call.slot, call, nowMs);
  }

  token(call: Call, generated: number): void {
    call.generated = generated;
    this.policy.tokens(call.slot, call, generated, this.#world.nowMs());
  }

  finished(call: Call, cachedTokens: number): void {
    call.generated = call.outputTokens;
    call.cachedTokens = cachedTokens;
    this.#outputGuess += GUESS_WEIGHT * (call.outputTokens - this.#outputGuess);
    this.policy.ended(
      call.slot,
      call,
      {
        kind: "success",
        promptTokens: call.work.promptTokens,
        cachedTokens,
        outputTokens: call.outputTokens,
      },
      this.#world.nowMs(),
    );
    this.#end(call, "done");
  }

  /** Nobody took it. */
  refused(call: Call): void {
    this.#fell(call, "connect-failure");
    this.#try(call);
  }

  /** The connection broke. */
  dropped(call: Call): void {
    this.#fell(call, "broken");
    if (call.firstMs >= 0) this.#end(call, "truncated");
    else this.#try(call);
  }

  /** The client left. */
  abandoned(call: Call): void {
    this.policy.ended(call.slot, call, unknownEnd("cancelled"), this.#world.nowMs());
    this.#end(call, "abandoned");
  }

  #fell(call: Call, kind: OutcomeKind): void {
    const nowMs = this.#world.nowMs();
    this.#ejectedUntilMs[call.slot] = nowMs + EJECTED_MS;
    this.policy.ended(call.slot, call, unknownEnd(kind), nowMs);
  }

  #end(call: Call, end: CallEnd): void {
    call.end = end;
    call.endedMs = this.#world.nowMs();
    this.#world.ended(call);
  }
}

function unknownEnd(kind: OutcomeKind): InferenceEnd {
  return { kind, promptTokens: undefined, cachedTokens: undefined, outputTokens: undefined };
}
