/**
 * The clients: make calls when the arrivals say so, wait for as long as they have patience, and perhaps try again.
 *
 * Each call goes to a gateway at random, each try to another draw, as through a connection balancer that knows nothing.
 * A client's backoff doubles with each try and is drawn between half and all of it, as most client libraries do.
 */
import type { Prng } from "../../std/prng.ts";
import type { ArrivalTimes } from "../chance/arrivals.ts";
import type { Sampler } from "../chance/work.ts";
import type { ClientSpec } from "../scenario/scenario.ts";
import type { Agenda } from "./agenda.ts";
import { Calls, type Call } from "./call.ts";
import { DeadlineLine } from "./deadline-line.ts";
import type { Engine, Source } from "./engine.ts";
import type { Ending, Gateway } from "./gateway.ts";

export interface ClientsContext {
  readonly engine: Engine;
  readonly agenda: Agenda;
  readonly spec: ClientSpec;
  readonly arrivals: ArrivalTimes;
  readonly work: Sampler;
  /** The hash of the request's key, or NO_HASH. */
  readonly key: () => number;
  /** For the choice of a gateway. */
  readonly prng: Prng;
  readonly backoffPrng: Prng;
  /** No arrivals from here on. */
  readonly untilMs: number;
  readonly warmUpMs: number;
  readonly started: (call: Call) => void;
  readonly finished: (call: Call, ending: Ending) => void;
}

export class Clients implements Source {
  readonly #context: ClientsContext;
  readonly #timer: number;
  readonly #calls = new Calls();
  readonly #deadlines: DeadlineLine;
  #gateways: readonly Gateway[] = [];
  #open = 0;

  constructor(context: ClientsContext) {
    this.#context = context;
    const { engine, spec } = context;
    this.#timer = engine.add(this);
    this.#deadlines = new DeadlineLine(
      engine,
      spec.timeoutMs,
      (call) => call.tryNumber,
      (call) => this.#lostPatience(call),
    );
  }

  start(gateways: readonly Gateway[]): void {
    const { agenda, untilMs } = this.#context;
    this.#gateways = gateways;
    this.#arm();
    agenda.at(untilMs, () => this.#stopIfOver());
  }

  /** Calls begun and not finished. */
  get open(): number {
    return this.#open;
  }

  fire(): void {
    const { engine, work, key, warmUpMs, started } = this.#context;
    const call = this.#calls.take(engine.nowMs, work());
    call.hash = key();
    call.measured = engine.nowMs >= warmUpMs;
    this.#open++;
    this.#arm();
    started(call);
    this.#try(call);
  }

  /** The try that is open has ended. */
  ended(call: Call, ending: Ending): void {
    const { engine, agenda, spec, backoffPrng } = this.#context;
    call.tryNumber++;
    if (ending === "ok" || call.tries >= spec.attempts) {
      this.#finish(call, ending);
      return;
    }
    const backoffMs = spec.backoffMs * 2 ** (call.tries - 1) * (1 + backoffPrng.float()) * 0.5;
    agenda.at(engine.nowMs + backoffMs, () => this.#try(call));
  }

  #try(call: Call): void {
    const { prng } = this.#context;
    call.tries++;
    call.gateway = this.#gateways.length === 1 ? 0 : prng.below(this.#gateways.length);
    this.#deadlines.begin(call);
    this.#gateways[call.gateway]!.begin(call);
  }

  #lostPatience(call: Call): void {
    this.#gateways[call.gateway]!.cancel(call);
    this.ended(call, "timeout");
  }

  #finish(call: Call, ending: Ending): void {
    this.#open--;
    this.#context.finished(call, ending);
    this.#calls.giveBack(call);
    this.#stopIfOver();
  }

  #arm(): void {
    const { engine, arrivals, untilMs } = this.#context;
    const nextMs = arrivals.next();
    if (nextMs < untilMs) engine.set(this.#timer, nextMs);
    else engine.clear(this.#timer);
  }

  #stopIfOver(): void {
    const { engine, untilMs } = this.#context;
    if (this.#open === 0 && engine.nowMs >= untilMs) engine.stop();
  }
}
