/**
 * What `pick` answers, and the claim it hands out.
 *
 * A ticket is a claim on an endpoint's capacity. Whoever receives one settles it exactly once; a second
 * settlement is a defect and throws. Tickets and verdicts are recycled: a verdict is valid until the next
 * `pick` on the same pool, a ticket until it is settled.
 */
import type { Endpoint } from "./endpoint.ts";

export interface Ticket {
  readonly endpoint: Endpoint;
  /** The endpoint's row in its pool's columns. */
  readonly slot: number;
  /** Number of the decision, counted per pool from 1: under it the decision can be explained for a while. */
  readonly decision: number;
  /** When the claim was made, on the caller's clock. */
  readonly pickedMs: number;
}

export type Verdict =
  | { readonly kind: "send"; readonly ticket: Ticket }
  | { readonly kind: "refuse"; readonly reason: "no-endpoint" | "pool-full" };
