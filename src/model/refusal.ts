/**
 * Refusals: the closed list of reasons for which Plimsoll itself answers instead of an endpoint.
 *
 * The name is public. It stands in the response header `x-plimsoll-refusal`, in the access log, in metrics and
 * in docs/refusals.md (generated from this table). `grpcCode` is the canonical status code used where the
 * client speaks gRPC. `clientMayRetry` says whether the same request could succeed a moment later.
 */
export interface RefusalFacts {
  readonly status: number;
  readonly grpcCode: number;
  readonly clientMayRetry: boolean;
  readonly meaning: string;
}

export const REFUSALS = {
  "bad-request": {
    status: 400,
    grpcCode: 3,
    clientMayRetry: false,
    meaning: "The request breaks RFC 9112 or RFC 9110 or can be read in two ways; the connection is closed.",
  },
  "bad-inference-request": {
    status: 400,
    grpcCode: 3,
    clientMayRetry: false,
    meaning: "The body is not a request of the inference API that its path names.",
  },
  "no-route": {
    status: 404,
    grpcCode: 12,
    clientMayRetry: false,
    meaning: "No listener or no rule matches the request's host, path, method, headers and query.",
  },
  "head-timeout": {
    status: 408,
    grpcCode: 4,
    clientMayRetry: true,
    meaning: "The client did not finish the request's head in time.",
  },
  "body-timeout": {
    status: 408,
    grpcCode: 4,
    clientMayRetry: true,
    meaning: "The client stopped sending the request's body for longer than the idle timeout.",
  },
  "inference-request-too-large": {
    status: 413,
    grpcCode: 8,
    clientMayRetry: false,
    meaning: "The body of an inference request exceeds the limit on what is read before routing.",
  },
  "class-limit": {
    status: 429,
    grpcCode: 8,
    clientMayRetry: true,
    meaning: "The request's class of work is at its share of the pool and may not, or not longer, wait.",
  },
  "head-too-large": {
    status: 431,
    grpcCode: 8,
    clientMayRetry: false,
    meaning: "The request's head exceeds the limit on its bytes or on the number of its headers.",
  },
  "bad-backend": {
    status: 500,
    grpcCode: 14,
    clientMayRetry: false,
    meaning:
      "The matched rule has no backend, or the share of weight that was drawn names one that does not resolve.",
  },
  "internal-error": {
    status: 500,
    grpcCode: 13,
    clientMayRetry: false,
    meaning: "A defect in Plimsoll; counted and logged.",
  },
  "method-unsupported": {
    status: 501,
    grpcCode: 12,
    clientMayRetry: false,
    meaning: "CONNECT asks for a forward proxy, which the gateway is not.",
  },
  "connect-failed": {
    status: 502,
    grpcCode: 14,
    clientMayRetry: true,
    meaning: "No connection could be made to any endpoint that was tried.",
  },
  "endpoint-reset": {
    status: 502,
    grpcCode: 14,
    clientMayRetry: true,
    meaning:
      "The endpoint closed or reset the connection before it answered; no further attempt was possible or allowed.",
  },
  "bad-response": {
    status: 502,
    grpcCode: 14,
    clientMayRetry: true,
    meaning: "The endpoint's response breaks RFC 9112 or can be read in two ways.",
  },
  "no-endpoint": {
    status: 503,
    grpcCode: 14,
    clientMayRetry: true,
    meaning: "The pool has no endpoint that may serve.",
  },
  "pool-full": {
    status: 503,
    grpcCode: 14,
    clientMayRetry: true,
    meaning: "Every endpoint of the pool is at its connection limit.",
  },
  "prompts-full": {
    status: 503,
    grpcCode: 14,
    clientMayRetry: true,
    meaning: "The gateway holds as many bytes of prompts, read and waiting, as it may.",
  },
  "queue-full": {
    status: 503,
    grpcCode: 14,
    clientMayRetry: true,
    meaning: "The pool is at its limit of requests, and as many as may wait for it are waiting.",
  },
  "queue-timeout": {
    status: 503,
    grpcCode: 14,
    clientMayRetry: true,
    meaning: "The request waited for its turn as long as its class of work may.",
  },
  shed: {
    status: 503,
    grpcCode: 14,
    clientMayRetry: true,
    meaning:
      "The request was waiting for its turn and gave way to more important work, or a reload took its class away.",
  },
  throttled: {
    status: 503,
    grpcCode: 14,
    clientMayRetry: true,
    meaning: "The pool's endpoints have lately refused so many requests that this one was not sent.",
  },
  "picker-full": {
    status: 503,
    grpcCode: 14,
    clientMayRetry: true,
    meaning: "The endpoint picker holds as many bytes of requests as it may.",
  },
  "too-many-connections": {
    status: 503,
    grpcCode: 14,
    clientMayRetry: true,
    meaning: "The gateway is at its limit of client connections.",
  },
  "connect-timeout": {
    status: 504,
    grpcCode: 14,
    clientMayRetry: true,
    meaning: "No endpoint that was tried accepted a connection in time.",
  },
  "try-timeout": {
    status: 504,
    grpcCode: 4,
    clientMayRetry: true,
    meaning: "The endpoint gave no response head within the time of one attempt.",
  },
  "request-timeout": {
    status: 504,
    grpcCode: 4,
    clientMayRetry: true,
    meaning: "The whole exchange exceeded its time before a response head came.",
  },
  "version-unsupported": {
    status: 505,
    grpcCode: 12,
    clientMayRetry: false,
    meaning: "The request's HTTP version is not 1.0 or 1.1.",
  },
} as const satisfies Record<string, RefusalFacts>;

export type Refusal = keyof typeof REFUSALS;

/** Those of admission; each comes with an estimate of when to try again, for the `Retry-After` header. */
export type AdmissionRefusal = "class-limit" | "queue-full" | "queue-timeout" | "shed" | "throttled";
