/**
 * grpc.health.v1.Health/Check: what a picker says of one of its service names.
 */
import type { GrpcConnection } from "./grpc-connection.ts";
import { MessageWriter, readFields } from "./protobuf.ts";

export const HEALTH_CHECK_PATH = "/grpc.health.v1.Health/Check";
const SERVING_STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;

export type Health =
  | { readonly kind: "status"; readonly status: string }
  | { readonly kind: "error"; readonly status: number | undefined; readonly message: string }
  | { readonly kind: "silence" };

export async function checkHealth(
  connection: GrpcConnection,
  service: string,
  limitMs: number,
): Promise<Health> {
  const call = connection.call(HEALTH_CHECK_PATH);
  try {
    void call.send(new MessageWriter().bytes(1, service).finish());
    call.halfClose();
    const event = await call.next(limitMs);
    if (event === undefined) return { kind: "silence" };
    if (event.kind === "end") return { kind: "error", status: event.status, message: event.message };
    const status = readFields(event.bytes).find(({ field }) => field === 1)?.value ?? 0;
    return { kind: "status", status: SERVING_STATUSES[status] ?? String(status) };
  } finally {
    call.reset();
  }
}
