/**
 * A simulated server: slots, a queue, a speed, and the ways to fall ill.
 *
 * It works in its own time V, which runs at a rate that changes: speed for first come first served, where each job in a slot
 * gets all of its slot; speed * min(1, slots / jobs) for processor sharing, where all jobs share the slots. A job
 * that begins at V = v with work w ends at V = v + w whatever happens to the rate in between, so jobs stand in a heap by
 * that end, and a change of rate moves one timer only.
 *
 * Units: work and V in milliseconds of one slot at speed 1.
 *
 * Invariants: `#running` holds the jobs in service, ordered as a heap by `finishAt`; the timer is set to the end of
 * the first of them, and idle if there is none or the rate is 0; every job accepted is answered, dropped because
 * nobody wants it, or still here.
 */
import type { LoadReport } from "../../model/load-report.ts";
import { Queue } from "../../std/queue.ts";
import type { ServerGroup } from "../scenario/scenario.ts";
import { BROKEN, REFUSED, type Job, type Serving } from "./call.ts";
import type { Engine, Source } from "./engine.ts";
import { LoadMeter } from "./load-meter.ts";
import { JobHeap } from "./job-heap.ts";
import { Condition } from "./condition.ts";

/** Where answers go, and where jobs end that get none. */
export interface Answering {
  answer(job: Job): void;
  answerLater(job: Job, afterMs: number): void;
  drop(job: Job): void;
}

export interface ServerContext {
  readonly engine: Engine;
  readonly out: Answering;
  /** Whether it measures and reports its load. */
  readonly reporting: boolean;
}

export class Server implements Source, Serving {
  readonly index: number;
  readonly group: ServerGroup;
  readonly zone: number;
  readonly condition = new Condition();
  openAttempts = 0;
  readonly #engine: Engine;
  readonly #timer: number;
  readonly #out: Answering;
  readonly #running = new JobHeap();
  readonly #waiting = new Queue<Job>();
  readonly #sharing: boolean;
  readonly #meter: LoadMeter | undefined;
  #virtual = 0;
  #advancedMs = 0;
  #rate: number;
  #busyMs = 0;

  constructor(index: number, group: ServerGroup, zone: number, context: ServerContext) {
    const { engine, out, reporting } = context;
    this.index = index;
    this.group = group;
    this.zone = zone;
    this.#engine = engine;
    this.#timer = engine.add(this);
    this.#out = out;
    this.#meter = reporting ? new LoadMeter() : undefined;
    this.#sharing = group.discipline === "processor-sharing";
    this.#rate = group.speed;
  }

  /** Requests inside, waited for or not: what the server itself would report. */
  get requests(): number {
    return this.#running.size + this.#waiting.size;
  }

  /** Slot-milliseconds of service given so far, at whatever speed. */
  get busyMs(): number {
    this.#advance();
    return this.#busyMs;
  }

  report(): LoadReport | undefined {
    const { refusing, stopped, swallows } = this.condition;
    if (refusing || stopped || swallows) return undefined;
    this.#advance();
    return this.#meter?.report(this.requests, this.#engine.nowMs);
  }

  accept(job: Job): void {
    const { condition, group } = this;
    job.arrivedMs = this.#engine.nowMs;
    job.found = this.requests;
    const { failing } = condition;
    if (condition.swallows) this.#out.drop(job);
    else if (condition.refusing) this.#answer(job, REFUSED);
    else if (condition.stopped) this.#waiting.push(job);
    else if (failing !== undefined && failing.fails()) {
      job.status = failing.status;
      this.#out.answerLater(job, failing.answerMs);
    } else if (this.requests >= group.slots + group.queueMax) this.#answer(job, group.fullStatus);
    else if (this.#sharing || this.#running.size < group.slots) {
      this.#advance();
      this.#begin(job);
      this.#rearm();
    } else this.#waiting.push(job);
  }

  fire(): void {
    this.#advance();
    const job = this.#running.pop();
    // Rounding must not leave the clock a hair before the end that has just been reached.
    this.#virtual = job.finishAt;
    this.#refill();
    this.#rearm();
    this.#answer(job, 200);
  }

  /** After any change of the condition. */
  conditionChanged(): void {
    this.#advance();
    if (this.condition.refusing) this.#breakAll();
    this.#refill();
    this.#rearm();
  }

  /** The process is gone and comes back: whatever was inside is cut. */
  restart(): void {
    this.#advance();
    this.#breakAll();
    this.#rearm();
  }

  #begin(job: Job): void {
    job.finishAt = this.#virtual + job.workMs;
    this.#running.push(job);
  }

  #refill(): void {
    const { slots, abandoned } = this.group;
    while (
      this.#waiting.size > 0 &&
      !this.condition.stopped &&
      (this.#sharing || this.#running.size < slots)
    ) {
      const job = this.#waiting.shift()!;
      if (abandoned === "skip" && !job.wanted) this.#out.drop(job);
      else this.#begin(job);
    }
  }

  #advance(): void {
    const { nowMs } = this.#engine;
    const passed = nowMs - this.#advancedMs;
    this.#advancedMs = nowMs;
    if (this.#rate === 0) return;
    this.#virtual += passed * this.#rate;
    const busy = Math.min(this.#running.size, this.group.slots);
    this.#busyMs += passed * busy;
    if (this.#meter !== undefined && passed > 0) this.#meter.passed(busy / this.group.slots, passed);
  }

  #rearm(): void {
    const { slots, speed } = this.group;
    const inService = this.#running.size;
    const free = this.condition.stopped ? 0 : speed * this.condition.speed;
    this.#rate = this.#sharing && inService > slots ? (free * slots) / inService : free;
    if (inService === 0 || this.#rate === 0) this.#engine.clear(this.#timer);
    else {
      const restMs = (this.#running.first.finishAt - this.#virtual) / this.#rate;
      this.#engine.set(this.#timer, this.#engine.nowMs + Math.max(0, restMs));
    }
  }

  #answer(job: Job, status: number): void {
    job.status = status;
    if (this.#meter !== undefined && status > 0) {
      const { nowMs } = this.#engine;
      this.#meter.answered(status >= 500, nowMs - job.arrivedMs, job.found, nowMs);
      job.report = this.report();
    }
    // The way back is cut as well.
    if (this.condition.swallows) this.#out.drop(job);
    else this.#out.answer(job);
  }

  #breakAll(): void {
    // Answering may bring new jobs at once; those already here are set apart first.
    const broken: Job[] = [];
    while (this.#running.size > 0) broken.push(this.#running.pop());
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) broken.push(job);
    for (const job of broken) this.#answer(job, BROKEN);
  }
}
