/**
 * Shares and reports of a pool's endpoints: for xDS weights, dashboards and `explain`. Allocates; never on the
 * path of a request.
 */
import { errorRatioNow } from "../signals/error-ratio.ts";
import { DRAINING, FREE, LEAVING, type Columns } from "../signals/columns.ts";
import type { Ejection } from "../health/ejections.ts";
import type { Eligible } from "./eligible.ts";
import type { EndpointReport, EndpointShare } from "./endpoint-report.ts";
import type { Members } from "./members.ts";
import type { Picker } from "./picker.ts";

/**
 * One entry per member that has not left. Endpoints at their limit count: the share is the long-run one, and the
 * limit is of the moment.
 */
export function shares(
  columns: Columns,
  members: Members,
  eligible: Eligible,
  picker: Picker,
  nowMs: number,
): readonly EndpointShare[] {
  const bySlot = sharesBySlot(members, eligible, picker, nowMs);
  const result: EndpointShare[] = [];
  for (let slot = 0; slot < members.bound; slot++) {
    const state = columns.state[slot]!;
    if (state === FREE || state === LEAVING) continue;
    result.push({ key: members.endpointAt(slot).key, share: bySlot[slot]! });
  }
  return result;
}

export function reportEndpoints(
  columns: Columns,
  members: Members,
  eligible: Eligible,
  picker: Picker,
  ejectionOf: (slot: number) => Ejection | undefined,
  nowMs: number,
): readonly EndpointReport[] {
  const bySlot = sharesBySlot(members, eligible, picker, nowMs);
  const result: EndpointReport[] = [];
  for (let slot = 0; slot < members.bound; slot++) {
    if (columns.state[slot] === FREE) continue;
    const endpoint = members.endpointAt(slot);
    const latencyMs = columns.latencyMs[slot]!;
    result.push({
      key: endpoint.key,
      displayName: endpoint.displayName,
      condition: endpoint.condition,
      state: stateOf(columns, slot),
      ejection: ejectionReport(ejectionOf(slot)),
      inFlight: columns.inFlight[slot]!,
      latencyMs: latencyMs < 0 ? undefined : latencyMs,
      errorRatio: errorRatioNow(columns, slot, nowMs),
      share: bySlot[slot]!,
      requests: columns.requests[slot]!,
      failures: columns.failures[slot]!,
    });
  }
  return result;
}

function sharesBySlot(members: Members, eligible: Eligible, picker: Picker, nowMs: number): Float64Array {
  const bySlot = new Float64Array(members.bound);
  const serving: number[] = [];
  for (let slot = 0; slot < members.bound; slot++) if (eligible.maySlotServe(slot)) serving.push(slot);
  picker.weigh(serving, nowMs, bySlot);
  let total = 0;
  for (const slot of serving) total += bySlot[slot]!;
  if (total > 0) for (const slot of serving) bySlot[slot] = bySlot[slot]! / total;
  return bySlot;
}

function stateOf(columns: Columns, slot: number): EndpointReport["state"] {
  const state = columns.state[slot]!;
  if (state === LEAVING) return "leaving";
  if (state === DRAINING) return "draining";
  if (columns.healthy[slot] === 0) return "unhealthy";
  return columns.ejected[slot] === 1 ? "ejected" : "healthy";
}

function ejectionReport(ejection: Ejection | undefined): EndpointReport["ejection"] {
  if (ejection === undefined) return undefined;
  const { reason, sinceMs, untilMs, count } = ejection;
  return { reason, sinceMs, untilMs, count };
}
