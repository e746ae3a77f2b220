/**
 * The `grpc-timeout` header: up to eight digits and a unit (gRPC over HTTP/2, "Timeout").
 */
const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/** Undefined: none, or none that means anything. */
export function parseTimeoutMs(text: string | string[] | undefined): number | undefined {
  if (typeof text !== "string") return undefined;
  const match = /^([0-9]{1,8})([HMSmun])$/.exec(text);
  return match === null ? undefined : Number(match[1]) * UNIT_MS[match[2]!]!;
}
