/**
 * One of the demo's endpoints: a small HTTP server on loopback that behaves as the story says.
 *
 * Every answer names the endpoint, in the body and in `x-endpoint`, so that shares are counted from responses.
 * `down` closes the listening socket and all connections, as a crashed process does; `/health` tells the truth.
 */
import { createServer, type Server, type ServerResponse } from "node:http";
import { type Condition, type EndpointPlan, SLOW_FACTOR } from "./story.ts";

export const LOOPBACK = "127.0.0.1";
/** Time to answer varies evenly by so much around its mean. */
const JITTER = 0.4;

export class EndpointServer {
  readonly plan: EndpointPlan;
  #condition: Condition = "well";
  readonly #server: Server;

  constructor(plan: EndpointPlan) {
    this.plan = plan;
    this.#server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      request.resume();
      const factor = this.#condition === "slow" ? SLOW_FACTOR : 1;
      const delayMs = plan.serviceMs * factor * (1 + JITTER * (2 * Math.random() - 1));
      setTimeout(() => this.#answer(response), delayMs);
    });
  }

  get condition(): Condition {
    return this.#condition;
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.plan.port, LOOPBACK, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /** Takes effect for the answers that are given from now on. May be called again and again. */
  async become(condition: Condition): Promise<void> {
    if (condition === this.#condition) return;
    const was = this.#condition;
    this.#condition = condition;
    if (condition === "down") await this.stop();
    else if (was === "down") {
      // Should the port have been taken meanwhile, it stays down and the next call tries again.
      await this.start().catch(() => (this.#condition = "down"));
    }
  }

  #answer(response: ServerResponse): void {
    if (response.destroyed) return;
    const failing = this.#condition === "failing";
    response.writeHead(failing ? 500 : 200, { "content-type": "text/plain", "x-endpoint": this.plan.name });
    response.end(failing ? `${this.plan.name} is failing\n` : `hello from ${this.plan.name}\n`);
  }
}
