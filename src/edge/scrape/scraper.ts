/**
 * The scraping loop: asks every target for its metrics when its time has come, and tells what was read.
 *
 * One timer for all targets; each has at most one page under way, so nothing ever piles up. How soon to look again is
 * rhythm.ts, how much all of it may cost budget.ts. A target that fails, hangs or lies stops nothing and nobody: what it
 * said last grows older, and its reports bear the time at which they were true.
 *
 * The clock is monotonic, in milliseconds, with fractions: it also measures what reading costs.
 */
import type { Prng } from "../../std/prng.ts";
import { Queue } from "../../std/queue.ts";
import { TimerHeap } from "../../std/timer-heap.ts";
import { Budget } from "./budget.ts";
import type { Extractor } from "./extractor.ts";
import { DEFAULT_RHYTHM, jittered, nextPeriodMs, retryMs, type Rhythm } from "./rhythm.ts";
import { Target, type TargetAddress, type TargetUser } from "./target.ts";

export interface ScrapeSpec<Report> extends TargetAddress {
  /** Called once for each target that is new, or whose address has changed. */
  readonly extractor: () => Extractor<Report>;
}

export interface ScraperOptions<Report> {
  readonly prng: Prng;
  readonly clock: () => number;
  readonly reported: (key: string, report: Report, asOfMs: number) => void;
  /** `failures`: in a row. */
  readonly failed?: (key: string, fault: string, failures: number) => void;
  /** A bug met while reading a page; the target is treated as failing. */
  readonly defect: (error: unknown) => void;
  readonly rhythm?: Rhythm;
  /** From the request to the last byte; beyond: failed. */
  readonly timeoutMs?: number;
  /** Share of one core that reading may take; beyond: all targets are looked at less often. */
  readonly budgetRatio?: number;
}

/** A page is a few milliseconds' work for an engine; one that takes longer than this has stopped. */
const TIMEOUT_MS = 2_000;
const BUDGET_RATIO = 0.1;
/** What a burst may take at once: a dozen large pages. */
const CREDIT_MAX_MS = 5;
/** Targets due within this go together: fewer wake-ups. */
const TICK_MS = 5;
/** A page that has nothing of what is wanted: not that of an engine, or of none that is known. */
const NOTHING_WANTED = "nothing wanted in the page";

interface Followed<Report> {
  readonly target: Target<Report>;
  readonly timer: number;
  periodMs: number;
  failures: number;
  fault: string | undefined;
  /** Of the newest report; undefined: none yet. */
  asOfMs: number | undefined;
  askedMs: number;
  /** In the queue of those that wait for credit. */
  isWaiting: boolean;
  pages: number;
}

/** For people. */
export interface ScrapeState {
  readonly key: string;
  readonly ageMs: number | undefined;
  readonly periodMs: number;
  readonly pages: number;
  readonly pageBytes: number;
  readonly asksNarrowly: boolean;
  readonly malformed: number;
  readonly failures: number;
  readonly fault: string | undefined;
}

export class Scraper<Report> implements TargetUser<Report> {
  readonly clock: () => number;
  readonly #options: ScraperOptions<Report>;
  readonly #rhythm: Rhythm;
  readonly #timeoutMs: number;
  readonly #budget: Budget;
  readonly #followed = new Map<string, Followed<Report>>();
  readonly #timers = new TimerHeap();
  /** By timer. */
  readonly #owners: (Followed<Report> | undefined)[] = [];
  readonly #idleTimers: number[] = [];
  /** Those whose time has come while there is no credit, in the order in which it came. */
  readonly #waiting = new Queue<Followed<Report>>();
  #wake: NodeJS.Timeout | undefined;
  #wakeMs = Number.POSITIVE_INFINITY;

  constructor(options: ScraperOptions<Report>) {
    this.#options = options;
    this.clock = options.clock;
    this.#rhythm = options.rhythm ?? DEFAULT_RHYTHM;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#budget = new Budget(options.budgetRatio ?? BUDGET_RATIO, CREDIT_MAX_MS, this.clock());
  }

  /** These targets and no others from now on; one that stays keeps its connection and its rhythm. */
  follow(specs: readonly ScrapeSpec<Report>[]): void {
    const wanted = new Set<string>();
    for (const spec of specs) {
      if (wanted.has(spec.key)) continue;
      wanted.add(spec.key);
      const known = this.#followed.get(spec.key);
      if (known !== undefined && isSame(known.target.at, spec)) continue;
      if (known !== undefined) this.#forget(known);
      this.#begin(spec);
    }
    for (const followed of this.#followed.values()) {
      if (!wanted.has(followed.target.at.key)) this.#forget(followed);
    }
    this.#arm();
  }

  /** The target is about to move: a request is on its way to it. Brings a far look near; costs next to nothing. */
  stir(key: string): void {
    const followed = this.#followed.get(key);
    if (followed === undefined || followed.failures > 0 || followed.periodMs <= this.#rhythm.steadyMs) return;
    followed.periodMs = this.#rhythm.steadyMs;
    // One that is waiting has no timer set; setting it would have it asked twice.
    if (followed.target.busy || followed.isWaiting) return;
    this.#timers.set(followed.timer, this.clock() + this.#rhythm.movingMs);
    this.#arm();
  }

  state(): readonly ScrapeState[] {
    const nowMs = this.clock();
    return Array.from(this.#followed.values(), ({ target, periodMs, pages, failures, fault, asOfMs }) => ({
      key: target.at.key,
      ageMs: asOfMs === undefined ? undefined : nowMs - asOfMs,
      periodMs,
      pages,
      pageBytes: target.lastPageBytes,
      asksNarrowly: target.asksNarrowly,
      malformed: target.malformed,
      failures,
      fault,
    }));
  }

  close(): void {
    for (const followed of this.#followed.values()) this.#forget(followed);
    clearTimeout(this.#wake);
    this.#wake = undefined;
    this.#wakeMs = Number.POSITIVE_INFINITY;
  }

  reported(target: Target<Report>, report: Report | undefined, asOfMs: number): void {
    const followed = this.#current(target);
    if (followed === undefined) return;
    if (report === undefined) {
      this.failed(target, NOTHING_WANTED);
      return;
    }
    followed.pages++;
    followed.failures = 0;
    followed.fault = undefined;
    followed.asOfMs = asOfMs;
    followed.periodMs = nextPeriodMs(followed.periodMs, target.extractor.movement, this.#rhythm);
    this.#schedule(followed, followed.periodMs);
    this.#options.reported(target.at.key, report, asOfMs);
  }

  failed(target: Target<Report>, fault: string): void {
    const followed = this.#current(target);
    if (followed === undefined) return;
    followed.failures++;
    followed.fault = fault;
    followed.periodMs = this.#rhythm.steadyMs;
    this.#schedule(followed, retryMs(followed.failures));
    this.#options.failed?.(target.at.key, fault, followed.failures);
  }

  defect(error: unknown): void {
    this.#options.defect(error);
  }

  #begin(spec: ScrapeSpec<Report>): void {
    const { key, address, port, path } = spec;
    const timer = this.#idleTimers.pop() ?? this.#timers.add();
    const followed: Followed<Report> = {
      target: new Target({ key, address, port, path }, spec.extractor(), this),
      timer,
      periodMs: this.#rhythm.steadyMs,
      failures: 0,
      fault: undefined,
      asOfMs: undefined,
      askedMs: 0,
      isWaiting: false,
      pages: 0,
    };
    this.#owners[timer] = followed;
    this.#followed.set(key, followed);
    // Soon, for a new endpoint is unknown until then, but not all at once.
    this.#timers.set(timer, this.clock() + this.#options.prng.float() * this.#rhythm.steadyMs);
  }

  #forget(followed: Followed<Report>): void {
    this.#timers.clear(followed.timer);
    this.#owners[followed.timer] = undefined;
    this.#idleTimers.push(followed.timer);
    this.#followed.delete(followed.target.at.key);
    followed.target.close();
  }

  /** Undefined for a target that has been let go of meanwhile. */
  #current(target: Target<Report>): Followed<Report> | undefined {
    const followed = this.#followed.get(target.at.key);
    if (followed?.target !== target) return undefined;
    this.#budget.spend(target.takeSpentMs());
    return followed;
  }

  #schedule(followed: Followed<Report>, periodMs: number): void {
    // From when it was asked, so that a slow answer does not stretch the period; but never at once.
    const dueMs = followed.askedMs + jittered(periodMs, this.#options.prng.float());
    this.#timers.set(followed.timer, Math.max(dueMs, this.clock() + TICK_MS));
    this.#arm();
  }

  #arm(dueMs = this.#timers.firstTime): void {
    if (dueMs >= this.#wakeMs) return;
    clearTimeout(this.#wake);
    this.#wakeMs = dueMs;
    const delayMs = Math.max(TICK_MS, Math.ceil(dueMs - this.clock()));
    this.#wake = setTimeout(() => this.#tick(), delayMs).unref();
  }

  #tick(): void {
    this.#wakeMs = Number.POSITIVE_INFINITY;
    const nowMs = this.clock();
    while (this.#timers.firstTime <= nowMs) {
      const timer = this.#timers.first;
      const followed = this.#owners[timer]!;
      this.#timers.clear(timer);
      // Of one that is busy the timer was the deadline; what `failed` makes of it sets it anew.
      if (followed.target.busy) followed.target.giveUp("timeout");
      else {
        followed.isWaiting = true;
        this.#waiting.push(followed);
      }
    }
    while (this.#waiting.size > 0) {
      const waitMs = this.#budget.waitMs(nowMs);
      if (waitMs > 0) {
        this.#arm(nowMs + waitMs);
        break;
      }
      const followed = this.#waiting.shift()!;
      if (this.#owners[followed.timer] !== followed) continue;
      followed.isWaiting = false;
      followed.askedMs = nowMs;
      this.#timers.set(followed.timer, nowMs + this.#timeoutMs);
      followed.target.ask();
    }
    this.#arm();
  }
}

function isSame(a: TargetAddress, b: TargetAddress): boolean {
  return a.address === b.address && a.port === b.port && a.path === b.path;
}
