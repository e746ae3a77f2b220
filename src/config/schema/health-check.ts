/**
 * BackendPolicy.spec.healthCheck: how an endpoint is probed. Seconds here, as Kubernetes probes have them.
 */
import type * as z from "zod";
import { DEFAULT_HEALTH_CHECK } from "../../model/policy.ts";
import { integer, notYet, raise, strict, text } from "./fields.ts";

/** A probe rarer than once a day is none. */
const SECONDS_MAX = 86_400;
const THRESHOLD_MAX = 100;

export const probePath = text((value) =>
  /^\/[^\s#]*$/.test(value) && value.length <= 1_024
    ? undefined
    : { message: "not a path", expected: "a path such as /health, at most 1024 characters" },
);

export const port = integer(1, 65_535).optional();

export const healthCheck = strict({
  intervalSeconds: integer(1, SECONDS_MAX).optional(),
  timeoutSeconds: integer(1, SECONDS_MAX).optional(),
  unhealthyThreshold: integer(1, THRESHOLD_MAX).optional(),
  healthyThreshold: integer(1, THRESHOLD_MAX).optional(),
  httpGet: strict({
    path: probePath.optional(),
    port,
    scheme: notYet("scheme"),
    host: notYet("host"),
    httpHeaders: notYet("httpHeaders"),
  }).optional(),
  tcpSocket: strict({ port, host: notYet("host") }).optional(),
  grpc: notYet("grpc"),
  initialDelaySeconds: notYet("initialDelaySeconds"),
}).superRefine((check, context) => {
  if (check.httpGet !== undefined && check.tcpSocket !== undefined) {
    raise(context, ["tcpSocket"], "a health check has one probe", "either httpGet or tcpSocket");
  }
  const intervalSeconds = check.intervalSeconds ?? DEFAULT_HEALTH_CHECK.intervalMs / 1_000;
  const timeoutSeconds = check.timeoutSeconds ?? DEFAULT_HEALTH_CHECK.timeoutMs / 1_000;
  if (timeoutSeconds > intervalSeconds) {
    const at = check.timeoutSeconds === undefined ? "intervalSeconds" : "timeoutSeconds";
    raise(
      context,
      [at],
      `a probe may take ${timeoutSeconds}s but one starts every ${intervalSeconds}s`,
      "timeoutSeconds at most intervalSeconds",
    );
  }
});

export type HealthCheckManifest = z.infer<typeof healthCheck>;
