/**
 * Tickets: claims on endpoints, recycled so that a decision allocates nothing.
 *
 * Free tickets wait in a queue, first in first out, of at least RESERVE: a ticket settled by mistake a second time
 * is then almost surely still closed, and the mistake throws instead of settling a stranger's claim.
 *
 * Invariant: a ticket is open from `issue` to `redeem` and in the queue otherwise, never both.
 */
import type { Endpoint } from "../../model/endpoint.ts";
import type { InferencePolicy, InferenceRequest } from "../inference/policy/inference-policy.ts";
import type { Ticket } from "../../model/verdict.ts";

const RESERVE = 64;

export class Claim implements Ticket {
  endpoint: Endpoint;
  slot = -1;
  generation = -1;
  decision = 0;
  /** Not a small integer at birth, so that the engine keeps the field unboxed-in-place from the start. */
  pickedMs = Number.NaN;
  /** Since when the endpoint owes the answer; from the pick, unless the client still owed the request. */
  sinceMs = Number.NaN;
  open = false;
  /** The endpoint owes the response's first byte. */
  waiting = false;
  /** The response's first byte has been seen. */
  answered = false;
  /** The latency of this claim's answer has been learned. */
  learned = false;
  /** Of a prompt, and who was told of it; undefined: it is none. */
  prompt: InferenceRequest | undefined = undefined;
  told: InferencePolicy | undefined = undefined;
  next: Claim | undefined = undefined;
  readonly owner: Tickets;

  constructor(owner: Tickets, endpoint: Endpoint) {
    this.owner = owner;
    this.endpoint = endpoint;
  }
}

export class Tickets {
  #head: Claim | undefined = undefined;
  #tail: Claim | undefined = undefined;
  #free = 0;

  issue(endpoint: Endpoint, slot: number, generation: number, nowMs: number): Claim {
    const claim = this.#free > RESERVE ? this.#pop() : new Claim(this, endpoint);
    claim.endpoint = endpoint;
    claim.slot = slot;
    claim.generation = generation;
    claim.pickedMs = nowMs;
    claim.sinceMs = nowMs;
    claim.answered = false;
    claim.open = true;
    claim.waiting = true;
    claim.learned = false;
    return claim;
  }

  /** The open claim that the ticket is. Throws on a ticket of another pool or one already settled. */
  open(ticket: Ticket): Claim {
    if (!(ticket instanceof Claim) || ticket.owner !== this) throw new Error("ticket of another pool");
    if (!ticket.open) throw new Error(`ticket for ${ticket.endpoint.key} was settled before`);
    return ticket;
  }

  /** Closes the claim and takes it back for reuse. */
  redeem(claim: Claim): void {
    claim.open = false;
    claim.next = undefined;
    if (this.#tail === undefined) this.#head = claim;
    else this.#tail.next = claim;
    this.#tail = claim;
    this.#free++;
  }

  #pop(): Claim {
    const claim = this.#head!;
    this.#head = claim.next;
    if (this.#head === undefined) this.#tail = undefined;
    claim.next = undefined;
    this.#free--;
    return claim;
  }
}
