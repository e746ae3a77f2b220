/**
 * What a pick is told of the request.
 */
import type { Stage } from "../../model/inference-pool.ts";
import type { InferenceRequest } from "../inference/policy/inference-policy.ts";

export interface PickFacts {
  /** Slots tried before by the same exchange, newest last. */
  readonly tried: readonly number[];
  /**
   * Hash of the text that decides the endpoint under ConsistentHash (hash-key.ts makes it): a whole number in
   * [0, 2^31), so that it never needs a box. NO_HASH or absent: the request has none.
   */
  readonly hash?: number;
  /** Only an endpoint that was not tried will do; refused with `no-endpoint` where there is none. */
  readonly fresh?: boolean;
  /** The prompt, where the request is one and has been read; it is told of the attempt until that ends. */
  readonly prompt?: InferenceRequest | undefined;
  /** Which stage of the prompt is to be done there, where endpoints are reserved for stages; absent: the decoding. */
  readonly stage?: Stage | undefined;
  /**
   * Slots of which it must be one, as whoever carries the request demands; undefined or absent: any. Whoever may not
   * serve is not picked for being listed.
   */
  readonly within?: readonly number[] | undefined;
  /** Index of the lane (lanes.ts) that the request's class of work uses; 0 or absent: the whole pool. */
  readonly lane?: number;
}

export const NO_HASH = -1;

export const FIRST_TRY: PickFacts = Object.freeze({
  tried: Object.freeze([]) as readonly number[],
  hash: NO_HASH,
});
