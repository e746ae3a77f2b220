/**
 * A service behind an admission in virtual time, for the tests beside this one: Poisson arrivals per stream, servers that
 * take one request at a time from a queue of their own, a tick every 50 ms. The one test here holds it to theory.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_POOL_POLICY, type CircuitBreakerPolicy } from "../../model/policy.ts";
import { BUILT_IN_CLASSES } from "../../model/workload.ts";
import { createPrng, type Prng } from "../../std/prng.ts";
import { Admission, type AdmissionPolicy } from "./admission.ts";
import type { ClassPolicy, WaitTicket } from "./class-queue.ts";
import type { Permit } from "./permits.ts";

export const INTERACTIVE = 0;
export const BATCH = 2;

export const BUILT_IN: readonly ClassPolicy[] = BUILT_IN_CLASSES.map(({ name, treatment }) => ({
  name,
  ...treatment,
}));

export function policyOf(
  breaker: Partial<CircuitBreakerPolicy>,
  classes: readonly ClassPolicy[] = BUILT_IN,
): AdmissionPolicy {
  return { classes, circuitBreaker: { ...DEFAULT_POOL_POLICY.circuitBreaker, ...breaker } };
}

export interface Stream {
  readonly classIndex: number;
  readonly tenant?: string;
  readonly perSec: (nowMs: number) => number;
  /** Mean; exponential. */
  readonly serviceMs: number;
  /** The client leaves after this long. */
  readonly patienceMs: number;
}

export interface Done {
  readonly stream: number;
  readonly atMs: number;
  /** From its arrival; undefined: it was refused. */
  readonly tookMs: number | undefined;
  readonly waitedMs: number;
}

interface Job {
  readonly stream: number;
  readonly arrivedMs: number;
  readonly serviceMs: number;
  permit: Permit<Job> | undefined;
  ticket: WaitTicket<Job> | undefined;
  endMs: number;
}

const TICK_MS = 50;

export class VirtualService {
  readonly admission: Admission<Job>;
  readonly done: Done[] = [];
  underWayMost = 0;
  nowMs = 0;
  readonly #streams: readonly Stream[];
  readonly #servers: number;
  readonly #prng: Prng;
  readonly #nextArrivalMs: number[];
  /** By end, soonest first. */
  readonly #serving: Job[] = [];
  readonly #inside: Job[] = [];
  #nextTickMs = TICK_MS;

  constructor(policy: AdmissionPolicy, servers: number, streams: readonly Stream[], seed = 1) {
    this.#prng = createPrng(seed);
    this.admission = new Admission<Job>(policy, createPrng(seed + 1));
    this.#servers = servers;
    this.#streams = streams;
    this.#nextArrivalMs = streams.map((stream) => this.#gapMs(stream, 0));
  }

  run(untilMs: number): void {
    for (;;) {
      const arrival = Math.min(...this.#nextArrivalMs);
      const end = this.#serving[0]?.endMs ?? Number.POSITIVE_INFINITY;
      const nextMs = Math.min(arrival, end, this.#nextTickMs);
      if (nextMs > untilMs) break;
      this.nowMs = nextMs;
      if (nextMs === end) this.#finish(this.#serving.shift()!);
      else if (nextMs === arrival) this.#arrive(this.#nextArrivalMs.indexOf(arrival));
      else this.#nextTickMs += TICK_MS;
      this.#handOut();
      this.underWayMost = Math.max(this.underWayMost, this.admission.underWay);
    }
    this.nowMs = untilMs;
  }

  /** Answers that came within the client's patience, per second, of those that ended in the span. */
  goodputPerSec(fromMs: number, toMs: number): number {
    const good = this.done.filter(({ stream, atMs, tookMs }) => {
      const { patienceMs } = this.#streams[stream]!;
      return tookMs !== undefined && tookMs <= patienceMs && atMs >= fromMs && atMs < toMs;
    });
    return (good.length * 1000) / (toMs - fromMs);
  }

  tookMs(stream: number, q: number, fromMs = 0): number {
    const all = this.done.filter((each) => each.stream === stream && each.atMs >= fromMs);
    const took = all.map((each) => each.tookMs ?? Number.POSITIVE_INFINITY).toSorted((a, b) => a - b);
    return took[Math.floor(q * took.length)]!;
  }

  #arrive(index: number): void {
    const stream = this.#streams[index]!;
    this.#nextArrivalMs[index] = this.nowMs + this.#gapMs(stream, this.nowMs);
    // Silent: the gap was only until the next look.
    if (stream.perSec(this.nowMs) <= 0) return;
    const serviceMs = -Math.log(1 - this.#prng.float()) * stream.serviceMs;
    const job: Job = {
      stream: index,
      arrivedMs: this.nowMs,
      serviceMs,
      permit: undefined,
      ticket: undefined,
      endMs: 0,
    };
    const facts = { classIndex: stream.classIndex, tenant: stream.tenant ?? "", waiter: job };
    const admitted = this.admission.admit(facts, this.nowMs);
    if (admitted.kind === "go") this.#start(job, admitted.permit);
    else if (admitted.kind === "wait") job.ticket = admitted.ticket;
    else this.#record(job, false);
  }

  #start(job: Job, permit: Permit<Job>): void {
    job.permit = permit;
    if (this.#serving.length < this.#servers) this.#serve(job);
    else this.#inside.push(job);
  }

  #serve(job: Job): void {
    job.endMs = this.nowMs + job.serviceMs;
    let place = this.#serving.length;
    while (place > 0 && this.#serving[place - 1]!.endMs > job.endMs) place--;
    this.#serving.splice(place, 0, job);
  }

  #finish(job: Job): void {
    const { patienceMs } = this.#streams[job.stream]!;
    const late = this.nowMs - job.arrivedMs > patienceMs;
    this.admission.release(job.permit!, { kind: late ? "timeout" : "success", status: 200 }, this.nowMs);
    this.#record(job, true);
    const next = this.#inside.shift();
    if (next !== undefined) this.#serve(next);
  }

  #handOut(): void {
    for (;;) {
      const step = this.admission.next(this.nowMs);
      if (step === undefined) return;
      if (step.kind === "go") this.#start(step.ticket.waiter, step.permit);
      else this.#record(step.ticket.waiter, false);
    }
  }

  #record(job: Job, served: boolean): void {
    const tookMs = served ? this.nowMs - job.arrivedMs : undefined;
    const waitedMs = job.permit?.waitedMs ?? this.nowMs - job.arrivedMs;
    this.done.push({ stream: job.stream, atMs: this.nowMs, tookMs, waitedMs });
  }

  #gapMs(stream: Stream, nowMs: number): number {
    const perSec = stream.perSec(nowMs);
    return perSec <= 0 ? 100 : (-Math.log(1 - this.#prng.float()) * 1000) / perSec;
  }
}

test("without a limit it is an M/M/k queue: at load 0.5 with one server an answer takes two service times", () => {
  const perSec = (): number => 50;
  const stream = { classIndex: INTERACTIVE, perSec, serviceMs: 10, patienceMs: 1e9 };
  const service = new VirtualService(policyOf({}), 1, [stream]);
  service.run(2_000_000);
  const mean = service.done.reduce((sum, { tookMs }) => sum + tookMs!, 0) / service.done.length;
  assert.ok(Math.abs(mean - 20) < 0.6, `${mean}`);
});
