/**
 * Traits: what the configuration says of an endpoint, by slot, in the form that decisions read.
 *
 * Changed only when membership is taken over (balance/members.ts). Zones are numbered per pool in the order of their
 * first appearance; the number of a zone never changes. The identities are two hashes of the endpoint's key,
 * the same on every gateway, so that hash tables agree.
 *
 * Invariant: `weightMax` is the largest weight of a slot in use, `weighted` whether any two of them differ.
 */
import { PRIORITY_MAX, type Endpoint } from "../../model/endpoint.ts";
import { murmur3 } from "../../std/murmur3.ts";
import { grown } from "./grown.ts";

export interface Traits {
  /** Above 0. */
  weight: Float64Array;
  priority: Uint8Array;
  /** Index in `zoneNames`. */
  zone: Uint16Array;
  identity: Int32Array;
  identityTwo: Int32Array;
  weighted: boolean;
  /** One cell. */
  readonly weightMax: Float64Array;
  readonly zoneNames: string[];
}

const SEED_ONE = 0;
const SEED_TWO = 0x5bd1e995;

export function createTraits(capacity: number): Traits {
  return {
    weight: new Float64Array(capacity).fill(1),
    priority: new Uint8Array(capacity),
    zone: new Uint16Array(capacity),
    identity: new Int32Array(capacity),
    identityTwo: new Int32Array(capacity),
    weighted: false,
    weightMax: new Float64Array([1]),
    zoneNames: [],
  };
}

export function growTraits(traits: Traits, capacity: number): void {
  traits.weight = grown(traits.weight, capacity, 1);
  traits.priority = grown(traits.priority, capacity);
  traits.zone = grown(traits.zone, capacity);
  traits.identity = grown(traits.identity, capacity);
  traits.identityTwo = grown(traits.identityTwo, capacity);
}

export function writeTraits(traits: Traits, slot: number, endpoint: Endpoint): void {
  const { weight = 1, priority = 0, key } = endpoint;
  traits.weight[slot] = weight > 0 && weight < Number.POSITIVE_INFINITY ? weight : 1;
  traits.priority[slot] = Math.max(0, Math.min(PRIORITY_MAX, Math.floor(priority)));
  traits.zone[slot] = zoneNumber(traits, endpoint.zone ?? "");
  traits.identity[slot] = murmur3(key, SEED_ONE);
  traits.identityTwo[slot] = murmur3(key, SEED_TWO);
}

/** Judges the weights of the slots in use anew. */
export function compareWeights(traits: Traits, slots: readonly number[]): void {
  let max = 0;
  let min = Number.POSITIVE_INFINITY;
  for (const slot of slots) {
    max = Math.max(max, traits.weight[slot]!);
    min = Math.min(min, traits.weight[slot]!);
  }
  traits.weightMax[0] = max > 0 ? max : 1;
  traits.weighted = max > min;
}

/** Zones are few; past what the column holds they share the last number. */
function zoneNumber(traits: Traits, name: string): number {
  const known = traits.zoneNames.indexOf(name);
  if (known >= 0) return known;
  if (traits.zoneNames.length === ZONES_MAX) return ZONES_MAX - 1;
  return traits.zoneNames.push(name) - 1;
}

/** More than any cloud has; bounds the groups a pool can be divided into. */
const ZONES_MAX = 256;
