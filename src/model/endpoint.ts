/**
 * An endpoint: one address that can serve requests of a pool.
 *
 * Identity is `key`. Everything that must outlive a reload (in-flight counts, latency history, health)
 * is kept under it, so two views that list the same key speak of the same endpoint.
 */
export interface Endpoint {
  /** `address:port`, IPv6 in brackets: the identity that survives reloads. */
  readonly key: string;
  readonly address: string;
  readonly port: number;
  /** `topology.kubernetes.io/zone`, where the slice gives it. */
  readonly zone: string | undefined;
  /** What stands behind the address, as people know it: the pod's name where the slice gives it. */
  readonly displayName: string | undefined;
  /**
   * From the EndpointSlice conditions. `ready` takes new requests. `draining` (serving and terminating)
   * takes none unless nothing in the pool is ready, and finishes those it has.
   */
  readonly condition: "ready" | "draining";
  /** What selectors go by, as far as the slice gives it; undefined: nothing. See config/translate/endpoint-labels.ts. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** How much traffic it should get relative to others; above 0, undefined is 1. From `plimsoll.dev/weight`. */
  readonly weight?: number | undefined;
  /** 0 (or undefined) serves first, higher numbers take what the lower cannot. From `plimsoll.dev/priority`. */
  readonly priority?: number | undefined;
}

/** A hundred levels are more than anybody plans; bounds what is kept per level. */
export const PRIORITY_MAX = 127;

/** `address:port`, with IPv6 addresses in brackets (RFC 3986 section 3.2.2). */
export function endpointKey(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
