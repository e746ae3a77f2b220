/**
 * One load probe of one endpoint, on the endpoint's own kept-alive connection: how loaded it says it is.
 *
 * `GET path`; the report is an ORCA field of the response (core/signals/orca.ts) or else its body, as ORCA's JSON or text.
 * Never throws and never takes longer than PROBE_TIMEOUT_MS: an answer that comes later describes a past (NSDI 2024,
 * section 4: probes are dropped after a second).
 */
import http from "node:http";
import {
  LOAD_HEADER,
  LOAD_HEADER_BINARY,
  LOAD_HEADER_JSON,
  parseLoadReport,
} from "../../core/signals/orca.ts";
import type { LoadProbe } from "../../model/balancing.ts";
import { endpointKey, type Endpoint } from "../../model/endpoint.ts";
import type { LoadReport } from "../../model/load-report.ts";

const PROBE_TIMEOUT_MS = 1_000;

/** A report has some hundred bytes. What is longer is something else, and its connection is given up. */
const BODY_BYTES_MAX = 16_384;

const HEADERS = [LOAD_HEADER, LOAD_HEADER_JSON, LOAD_HEADER_BINARY] as const;

export type LoadAnswer =
  | { readonly kind: "report"; readonly report: LoadReport }
  /** What was seen instead: `status 404`, `no report`, `ECONNREFUSED`, `timeout`. */
  | { readonly kind: "nothing"; readonly detail: string };

export function probeLoad(
  endpoint: Endpoint,
  { path, port }: LoadProbe,
  agent: http.Agent,
): Promise<LoadAnswer> {
  const { address } = endpoint;
  const to = port ?? endpoint.port;
  return new Promise((resolve) => {
    const headers = { host: endpointKey(address, to), "user-agent": "plimsoll-load-probe" };
    const request = http.get({ host: address, port: to, path, agent, headers });
    const late = setTimeout(() => {
      conclude({ kind: "nothing", detail: "timeout" });
      request.destroy();
    }, PROBE_TIMEOUT_MS);
    const conclude = (answer: LoadAnswer): void => {
      clearTimeout(late);
      resolve(answer);
    };
    const unanswered = (): void => conclude({ kind: "nothing", detail: "no answer" });
    const failed = (error: Error & { code?: string }): void =>
      conclude({ kind: "nothing", detail: error.code ?? error.message });
    request.on("response", (response) => {
      // The request closes before its answer is read to the end by us.
      request.removeListener("close", unanswered);
      void readAnswer(response).then(conclude, failed);
    });
    request.on("error", failed);
    // Whatever else may happen (a 101, say), the end of the request is the end of the probe.
    request.on("close", unanswered);
  });
}

async function readAnswer(response: http.IncomingMessage): Promise<LoadAnswer> {
  const body = await bodyOf(response);
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) return { kind: "nothing", detail: `status ${status}` };
  for (const name of HEADERS) {
    const value = response.headers[name];
    const report = typeof value === "string" ? parseLoadReport(name, value) : undefined;
    if (report !== undefined) return { kind: "report", report };
  }
  const isJson = body.trimStart().startsWith("{");
  const report = parseLoadReport(isJson ? LOAD_HEADER_JSON : LOAD_HEADER, body);
  return report === undefined ? { kind: "nothing", detail: "no report" } : { kind: "report", report };
}

/** Read to its end, so that the connection can be used again. */
async function bodyOf(response: http.IncomingMessage): Promise<string> {
  response.setEncoding("utf8");
  let text = "";
  for await (const piece of response as AsyncIterable<string>) {
    text += piece;
    if (text.length <= BODY_BYTES_MAX) continue;
    response.destroy();
    throw new Error("answer too long");
  }
  return text;
}
