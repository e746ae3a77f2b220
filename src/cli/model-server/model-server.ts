/**
 * A model server for demonstrations and tests: vLLM's HTTP interface in front of a simulated engine, in real time.
 *
 * | path | |
 * |---|---|
 * | `/v1/completions`, `/v1/chat/completions`, `/v1/responses`, `/v1/embeddings` | OpenAI's, streamed or whole |
 * | `/v1/messages`, `/v1/messages/count_tokens` | Anthropic's |
 * | `/tokenize` | vLLM's |
 * | `/v1/models`, `/v1/load_lora_adapter`, `/v1/unload_lora_adapter` | the models it answers to |
 * | `/health`, `/ping`, `/version`, `/metrics` | for those who watch it |
 *
 * Times, batching, caching and preemption are the engine's (sim/engine); texts are made up (answers.ts), tokens are four bytes
 * (tokeniser.ts). It believes its clients in everything but sizes: for loopback only.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { EngineMetrics } from "../../sim/engine/engine-metrics.ts";
import { EngineLife, type CachePorts } from "./engine-life.ts";
import { FrontDesk } from "./front-desk.ts";
import { WELL, type Behaviour } from "./misbehaviour.ts";
import { DEFAULT_OPTIONS, type ModelServerOptions } from "./options.ts";

export interface ModelServer {
  readonly host: string;
  readonly port: number;
  readonly cachePorts: CachePorts | undefined;
  readonly behaviour: Behaviour;
  /** What the engine really has. */
  metrics(): EngineMetrics;
  /** Sequences inside the engine. */
  inside(): number;
  /** Changes what is given, and leaves the rest as it is. */
  misbehave(change: Partial<Behaviour>): Promise<void>;
  close(): Promise<void>;
}

export async function startModelServer(options: Partial<ModelServerOptions> = {}): Promise<ModelServer> {
  const server = new RunningModelServer({ ...DEFAULT_OPTIONS, ...options });
  await server.start();
  return server;
}

class RunningModelServer implements ModelServer {
  readonly #options: ModelServerOptions;
  readonly #desk: FrontDesk;
  readonly #server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    void this.#desk.answer(request, response);
  });
  #life: EngineLife | undefined;
  #cachePorts: CachePorts | undefined;
  #behaviour = WELL;
  /** One change after the other. */
  #changing: Promise<void> = Promise.resolve();
  #port: number;

  constructor(options: ModelServerOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#desk = new FrontDesk(options, () => ({ life: this.#life, status: this.#behaviour.status }));
  }

  get host(): string {
    return this.#options.host;
  }

  get port(): number {
    return this.#port;
  }

  get cachePorts(): CachePorts | undefined {
    return this.#cachePorts;
  }

  get behaviour(): Behaviour {
    return this.#behaviour;
  }

  metrics(): EngineMetrics {
    if (this.#life === undefined) throw new Error("the server is down");
    return this.#life.engine.metrics();
  }

  inside(): number {
    return this.#life?.engine.size ?? 0;
  }

  async start(): Promise<void> {
    const life = await EngineLife.begin(this.#options, this.#desk.catalog, this.#cachePorts);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once("error", reject);
        this.#server.listen(this.#port, this.#options.host, () => {
          this.#server.off("error", reject);
          resolve();
        });
      });
    } catch (error) {
      await life.end();
      throw error;
    }
    this.#port = (this.#server.address() as AddressInfo).port;
    this.#cachePorts = life.cachePorts;
    this.#life = life;
    life.engine.slow(this.#behaviour.slowFactor);
    life.speak(this.#behaviour.metrics);
    if (this.#behaviour.isHanging) life.engine.hang();
  }

  misbehave(change: Partial<Behaviour>): Promise<void> {
    const next = this.#changing.then(() => this.#become({ ...this.#behaviour, ...change }));
    this.#changing = next.catch(() => {});
    return next;
  }

  async close(): Promise<void> {
    await this.#changing;
    await this.#stop();
  }

  async #become(next: Behaviour): Promise<void> {
    const before = this.#behaviour;
    this.#behaviour = next;
    if (next.isDown) {
      await this.#stop();
      return;
    }
    if (this.#life === undefined) {
      try {
        await this.start();
      } catch (error) {
        // Somebody has taken the port: it is still down, and the next change tries again.
        this.#behaviour = { ...next, isDown: true };
        throw error;
      }
      return;
    }
    const { engine } = this.#life;
    engine.slow(next.slowFactor);
    if (next.isHanging && !before.isHanging) engine.hang();
    if (!next.isHanging && before.isHanging) engine.resume();
    this.#life.speak(next.metrics);
  }

  /** As a process ends that is killed: nobody is told anything. */
  async #stop(): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    this.#life = undefined;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await Promise.all([closed, life.end()]);
  }
}
