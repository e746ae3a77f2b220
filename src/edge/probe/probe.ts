/**
 * One health probe of one endpoint, on a connection of its own: true if the endpoint passed.
 *
 * HTTP: a status of 200 to 399 in time, as for a kubelet's httpGet probe. TCP: an accepted connection in time.
 * Never throws: whatever goes wrong is a failed probe.
 */
import http from "node:http";
import net from "node:net";
import type { Endpoint } from "../../model/endpoint.ts";
import { endpointKey } from "../../model/endpoint.ts";
import type { HealthCheckPolicy } from "../../model/policy.ts";

export interface ProbeResult {
  readonly passed: boolean;
  /** What was seen: `status 200`, `ECONNREFUSED`, `timeout`. */
  readonly detail: string;
}

export function probe(
  endpoint: Endpoint,
  policy: HealthCheckPolicy,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(policy.timeoutMs)]);
  const port = policy.probe.port ?? endpoint.port;
  switch (policy.probe.kind) {
    case "http":
      return probeHttp(endpoint.address, port, policy.probe.path, timeout);
    case "tcp":
      return probeTcp(endpoint.address, port, timeout);
  }
}

function probeHttp(address: string, port: number, path: string, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const request = http.get(
      {
        host: address,
        port,
        path,
        agent: false,
        signal,
        headers: { host: endpointKey(address, port), "user-agent": "plimsoll-health-check" },
      },
      (response) => {
        const status = response.statusCode ?? 0;
        response.destroy();
        resolve({ passed: status >= 200 && status < 400, detail: `status ${status}` });
      },
    );
    request.on("error", (error) => resolve(failed(error, signal)));
    // Whatever else may happen (a 101, say), the end of the request is the end of the probe.
    request.on("close", () => resolve({ passed: false, detail: signal.aborted ? "timeout" : "no answer" }));
  });
}

function probeTcp(address: string, port: number, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: address, port, signal });
    socket.once("connect", () => {
      socket.destroy();
      resolve({ passed: true, detail: "connected" });
    });
    socket.on("error", (error) => resolve(failed(error, signal)));
  });
}

function failed(error: Error & { code?: string }, signal: AbortSignal): ProbeResult {
  return { passed: false, detail: signal.aborted ? "timeout" : (error.code ?? error.message) };
}
