/**
 * The door of a simulated gateway: the core's admission, asked and told as the request line of a real one would.
 *
 * All requests are of the built-in class `interactive` and of one tenant. Where the policy sets no limit there is no
 * admission to ask, and the door stands open: with nothing to wait for, the core would let everybody through as well.
 */
import { Admission } from "../../core/admission/admission.ts";
import type { OutcomeKind } from "../../model/outcome.ts";
import type { CircuitBreakerPolicy } from "../../model/policy.ts";
import { BUILT_IN_CLASSES } from "../../model/workload.ts";
import type { Prng } from "../../std/prng.ts";
import type { Call } from "./call.ts";
import type { Engine } from "./engine.ts";

export interface DoorContext {
  readonly engine: Engine;
  readonly prng: Prng;
  /** The call's turn has come. */
  readonly enter: (call: Call) => void;
  readonly refuse: (call: Call) => void;
}

/** How often those who wait are looked at though nobody came or went. */
export const DOOR_TICK_MS = 50;

export class Door {
  readonly #context: DoorContext;
  readonly #admission: Admission<Call> | undefined;

  constructor(circuitBreaker: CircuitBreakerPolicy, context: DoorContext) {
    this.#context = context;
    const { maxRequests, adaptive, throttle } = circuitBreaker;
    if (maxRequests === undefined && adaptive === undefined && throttle === undefined) return;
    const classes = BUILT_IN_CLASSES.map(({ name, treatment }) => ({ name, ...treatment }));
    this.#admission = new Admission<Call>({ classes, circuitBreaker }, context.prng);
  }

  get open(): boolean {
    return this.#admission === undefined;
  }

  arrive(call: Call): void {
    const { engine, enter, refuse } = this.#context;
    if (this.#admission === undefined) {
      enter(call);
      return;
    }
    const admitted = this.#admission.admit(call, engine.nowMs);
    switch (admitted.kind) {
      case "go":
        call.permit = admitted.permit;
        enter(call);
        break;
      case "wait":
        call.waitTicket = admitted.ticket;
        this.#handOut();
        break;
      case "refuse":
        refuse(call);
        break;
    }
  }

  /** The answer to the call has begun. */
  answered(call: Call): void {
    if (call.permit !== undefined) this.#admission!.answered(call.permit, this.#context.engine.nowMs);
  }

  /** The call is over as far as this gateway is concerned, whether it was inside, waiting or neither. */
  leave(call: Call, kind: OutcomeKind, status: number): void {
    const admission = this.#admission;
    if (admission === undefined) return;
    const { permit, waitTicket } = call;
    const { nowMs } = this.#context.engine;
    call.permit = undefined;
    call.waitTicket = undefined;
    if (permit !== undefined) admission.release(permit, { kind, status }, nowMs);
    else if (waitTicket !== undefined) admission.cancel(waitTicket, nowMs);
    else return;
    this.#handOut();
  }

  tick(): void {
    this.#handOut();
  }

  #handOut(): void {
    const admission = this.#admission;
    if (admission === undefined) return;
    const { engine, enter, refuse } = this.#context;
    for (let step = admission.next(engine.nowMs); step !== undefined; step = admission.next(engine.nowMs)) {
      const call = step.ticket.waiter;
      call.waitTicket = undefined;
      if (step.kind === "refuse") refuse(call);
      else {
        call.permit = step.permit;
        enter(call);
      }
    }
  }
}
