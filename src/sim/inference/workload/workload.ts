/**
 * A workload: requests for language models, when they come and on which machines they are served.
 *
 * Times are nominal, those of `nominalRatePerSec`: a run at another rate stretches all arrivals alike, so that the same requests in the
 * same order with the same burstiness meet every policy at every rate. A request that follows another one (the next turn of an agent)
 * comes so long after the other's answer instead, whatever the rate.
 *
 * `hashes` name the contents of whole prefixes in blocks of `blockTokens`, as integers from 1 that mean the same in all requests;
 * they may reach into the answer, where a later prompt contains it.
 */
import type { EngineProfile } from "../../engine/profiles.ts";

export interface WorkloadRequest {
  /** Nominal; only of those that follow nobody. */
  readonly atMs: number;
  /** Index of the request whose answer it waits for, or -1. */
  readonly after: number;
  readonly thinkMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly hashes: Int32Array;
  /** 0: none. */
  readonly session: number;
  /** 0: none. */
  readonly tenant: number;
  /** Counts in the figures. */
  readonly counts: boolean;
}

export interface Workload {
  readonly name: string;
  readonly title: string;
  /** In the order in which they are first due. */
  readonly requests: readonly WorkloadRequest[];
  readonly nominalRatePerSec: number;
  readonly blockTokens: number;
  /** One profile per engine. */
  readonly fleet: readonly EngineProfile[];
  /** Where a search for the capacity begins: requests a second that any policy holds, and that none does. */
  readonly rateMin: number;
  readonly rateMax: number;
  /** For tables of latencies: a rate most policies can hold. */
  readonly referenceRate: number;
}

export interface WorkloadOptions {
  readonly seed: number;
  /** About so many requests. */
  readonly requests: number;
}

export function repeat(profile: EngineProfile, count: number): readonly EngineProfile[] {
  return Array.from({ length: count }, () => profile);
}

/** Hashes nobody else has, or that one builder hands out twice on purpose. */
export class HashBook {
  #next = 1;
  readonly #known = new Map<string, number>();

  fresh(): number {
    return this.#next++;
  }

  /** The same number for the same name. */
  named(name: string): number {
    let hash = this.#known.get(name);
    if (hash === undefined) {
      hash = this.#next++;
      this.#known.set(name, hash);
    }
    return hash;
  }

  /** `count` fresh ones in a row; the first is returned. */
  run(count: number): number {
    const first = this.#next;
    this.#next += count;
    return first;
  }
}

/** Of the arrivals, the first tenth meets cold caches and empty queues, the last twentieth a load that falls. */
const WARM_UP = 0.1;
const TAIL = 0.95;

/** Whether the request at this place of so many is part of the figures. */
export function isCounted(request: WorkloadRequest, place: number, requests: number): boolean {
  return request.counts && place >= requests * WARM_UP && place < requests * TAIL;
}

/** Share of prompt tokens, of requests that count, that an endless cache shared by all would hold when they come in order. */
export function cacheBound({ requests, blockTokens }: Workload): number {
  const seen = new Set<number>();
  let found = 0;
  let all = 0;
  for (const [place, request] of requests.entries()) {
    const { promptTokens, hashes } = request;
    if (isCounted(request, place, requests.length)) {
      const most = Math.min(hashes.length, Math.floor((promptTokens - 1) / blockTokens));
      let blocks = 0;
      while (blocks < most && seen.has(hashes[blocks]!)) blocks++;
      found += blocks * blockTokens;
      all += promptTokens;
    }
    for (const hash of hashes) seen.add(hash);
  }
  return found / all;
}
