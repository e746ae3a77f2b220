/**
 * The door of a simulated gateway: its pool's own admission, asked and told in virtual time as app/turn.ts does in real.
 *
 * All requests are of the built-in class `interactive` and of one tenant. Invariant: a permit that was granted is
 * released, and a place in the queue that is no longer wanted is cancelled, once per call.
 */
import type { LivePool } from "../../app/live-pool.ts";
import type { Call, CallTaker } from "./call.ts";
import type { Engine } from "./engine.ts";

/** How often those who wait are looked at though nobody came or went. */
export const DOOR_TICK_MS = 50;

export class Door {
  readonly #pool: LivePool;
  readonly #engine: Engine;
  readonly #taker: CallTaker;

  constructor(pool: LivePool, engine: Engine, taker: CallTaker) {
    this.#pool = pool;
    this.#engine = engine;
    this.#taker = taker;
  }

  arrive(call: Call): void {
    call.taker = this.#taker;
    const admitted = this.#pool.admit(call, this.#engine.nowMs);
    if (admitted.kind === "go") call.granted(admitted.permit);
    else if (admitted.kind === "refuse") call.refused();
    // Its turn may have come, or its place have been lost, before the pool answered.
    else if (!admitted.ticket.over) call.waitTicket = admitted.ticket;
  }

  /** The answer to the call has begun. */
  answered({ permit }: Call): void {
    if (permit !== undefined) this.#pool.admission.answered(permit, this.#engine.nowMs);
  }

  /** The call is over as far as this gateway is concerned, whether it was inside, waiting or neither. */
  leave(call: Call): void {
    const { permit, waitTicket } = call;
    const { nowMs } = this.#engine;
    call.permit = undefined;
    call.waitTicket = undefined;
    if (permit !== undefined) this.#pool.admission.release(permit, call.last, nowMs);
    if (waitTicket !== undefined) this.#pool.admission.cancel(waitTicket, nowMs);
    if (permit !== undefined || waitTicket !== undefined) this.#pool.handOut(nowMs);
  }

  tick(): void {
    this.#pool.handOut(this.#engine.nowMs);
  }
}
