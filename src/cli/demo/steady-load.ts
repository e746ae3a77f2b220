/**
 * The demo's clients: requests at a steady mean rate through the gateway, open loop.
 *
 * Open loop means that a slow answer does not delay the next request, as with real users; latency counts from the
 * moment a request was due. Gaps are exponential (Poisson arrivals). Bounded: at most IN_FLIGHT_MAX at once, and
 * what is due beyond that counts as failed, since a user would have had no answer.
 */
import { Agent, get, type IncomingMessage } from "node:http";
import { LOOPBACK } from "./endpoint-server.ts";
import type { Sample } from "./traffic-window.ts";

const IN_FLIGHT_MAX = 500;
const GIVE_UP_MS = 10_000;
/** Finer than the gaps at the demo's rate. */
const TICK_MS = 3;

export class SteadyLoad {
  requests = 0;
  failures = 0;
  readonly #port: number;
  readonly #meanGapMs: number;
  readonly #onSample: (sample: Sample) => void;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT_MAX, scheduling: "lifo" });
  #inFlight = 0;
  #dueMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(port: number, ratePerSec: number, onSample: (sample: Sample) => void) {
    this.#port = port;
    this.#meanGapMs = 1000 / ratePerSec;
    this.#onSample = onSample;
  }

  start(): void {
    this.#dueMs = performance.now();
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      while (this.#dueMs <= nowMs) {
        this.#send(this.#dueMs, true);
        this.#dueMs += -Math.log(1 - Math.random()) * this.#meanGapMs;
      }
    }, TICK_MS);
  }

  /** Ends at once; requests under way are given up and count for nothing. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#agent.destroy();
  }

  #send(dueMs: number, mayRepeat: boolean): void {
    if (this.#inFlight >= IN_FLIGHT_MAX) return this.#settle(dueMs, undefined, false);
    this.#inFlight += 1;
    let settled = false;
    const finish = (response: IncomingMessage | undefined, complete: boolean): void => {
      if (settled) return;
      settled = true;
      this.#inFlight -= 1;
      const name = response?.headers["x-endpoint"];
      const ok = complete && (response?.statusCode ?? 500) < 500;
      this.#settle(dueMs, typeof name === "string" ? name : undefined, ok);
    };
    const request = get({
      host: LOOPBACK,
      port: this.#port,
      path: "/",
      agent: this.#agent,
      timeout: GIVE_UP_MS,
    });
    request.once("response", (response) => {
      response.resume();
      response.once("close", () => finish(response, response.complete));
    });
    request.once("timeout", () => request.destroy());
    request.once("error", () => {
      // A kept connection may be closed by the other side just as it is used: such a GET is sent once more, on a
      // new one, as every client does (RFC 9110 section 9.2.2).
      if (request.reusedSocket && mayRepeat && !settled && this.#timer !== undefined) {
        settled = true;
        this.#inFlight -= 1;
        this.#send(dueMs, false);
      } else finish(undefined, false);
    });
  }

  #settle(dueMs: number, endpoint: string | undefined, ok: boolean): void {
    if (this.#timer === undefined) return;
    this.requests += 1;
    if (!ok) this.failures += 1;
    const atMs = performance.now();
    this.#onSample({ atMs, endpoint, latencyMs: atMs - dueMs, ok });
  }
}
