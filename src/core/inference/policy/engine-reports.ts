/**
 * What engines last said of themselves, and how much of it to believe now.
 *
 * A report is true of a moment that is past. What was sent here since then is known exactly, so reports serve for one thing
 * only: load that others bring (`foreign`), which is what the engine counts above what this router had in flight there
 * at the time. It fades with the report's age, by half every AGE_HALF_MS, and counts by the slot's `trust`, which falls when
 * first tokens come much sooner than the reported queue would allow and recovers when they do not. So an engine that
 * reports nonsense, or the same for ever, keeps its traffic, and one that hides its queue is judged by the own account.
 *
 * The plain figures are kept beside that for policies that take reports at their word.
 */
import { grown } from "../../signals/grown.ts";
import type { EngineReport } from "./inference-policy.ts";

const AGE_HALF_MS = 1000;
const NO_ADAPTERS: readonly number[] = Object.freeze([]);

export class EngineReports {
  #length = 0;
  /** As reported; -1 where not. */
  running = new Float64Array(0);
  waiting = new Float64Array(0);
  kvUsedRatio = new Float64Array(0);
  adaptersMax = new Float64Array(0);
  asOfMs = new Float64Array(0);
  /** Requests beyond the router's own at the time of the report. */
  #foreignRunning = new Float64Array(0);
  #foreignWaiting = new Float64Array(0);
  /** In (0, 1]. */
  trust = new Float64Array(0);
  adapters: (readonly number[])[] = [];

  joined(slot: number): void {
    if (slot >= this.#length) this.#grow(slot);
    this.running[slot] = -1;
    this.waiting[slot] = -1;
    this.kvUsedRatio[slot] = -1;
    this.adaptersMax[slot] = -1;
    this.asOfMs[slot] = -1;
    this.#foreignRunning[slot] = 0;
    this.#foreignWaiting[slot] = 0;
    this.trust[slot] = 1;
    this.adapters[slot] = NO_ADAPTERS;
  }

  /** `ownInFlight`: requests of this router there, about when the report was made. An older report than the last is ignored. */
  take(slot: number, report: EngineReport, ownInFlight: number): void {
    if (report.asOfMs < this.asOfMs[slot]!) return;
    this.asOfMs[slot] = report.asOfMs;
    this.running[slot] = sane(report.running);
    this.waiting[slot] = sane(report.waiting);
    this.kvUsedRatio[slot] = Math.min(1, sane(report.kvUsedRatio));
    if (report.adaptersMax !== undefined) this.adaptersMax[slot] = report.adaptersMax;
    if (report.adaptersRunning !== undefined) this.adapters[slot] = report.adaptersRunning;
    const running = Math.max(0, this.running[slot]);
    const waiting = Math.max(0, this.waiting[slot]);
    // Own requests run before they wait, as far as anyone can tell.
    const foreign = Math.max(0, running + waiting - ownInFlight);
    this.#foreignWaiting[slot] = Math.min(waiting, foreign);
    this.#foreignRunning[slot] = foreign - this.#foreignWaiting[slot];
  }

  foreignRunning(slot: number, nowMs: number): number {
    const foreign = this.#foreignRunning[slot]!;
    return foreign === 0 ? 0 : foreign * this.#weight(slot, nowMs);
  }

  foreignWaiting(slot: number, nowMs: number): number {
    const foreign = this.#foreignWaiting[slot]!;
    return foreign === 0 ? 0 : foreign * this.#weight(slot, nowMs);
  }

  /** A first token came after `takenMs` where the own account alone would have said `ownMs` and with reports `allMs`. */
  judge(slot: number, takenMs: number, ownMs: number, allMs: number): void {
    if (allMs - ownMs < 50) {
      this.trust[slot] = Math.min(1, this.trust[slot]! + 0.01);
      return;
    }
    const isTrue = takenMs > (ownMs + allMs) / 2;
    this.trust[slot] = isTrue
      ? Math.min(1, this.trust[slot]! + 0.1)
      : Math.max(0.01, this.trust[slot]! * 0.7);
  }

  #weight(slot: number, nowMs: number): number {
    const ageMs = Math.max(0, nowMs - this.asOfMs[slot]!);
    return this.trust[slot]! * 2 ** (-ageMs / AGE_HALF_MS);
  }

  #grow(slot: number): void {
    let length = Math.max(16, this.#length);
    while (slot >= length) length *= 2;
    this.#length = length;
    this.running = grown(this.running, length);
    this.waiting = grown(this.waiting, length);
    this.kvUsedRatio = grown(this.kvUsedRatio, length);
    this.adaptersMax = grown(this.adaptersMax, length);
    this.asOfMs = grown(this.asOfMs, length);
    this.#foreignRunning = grown(this.#foreignRunning, length);
    this.#foreignWaiting = grown(this.#foreignWaiting, length);
    this.trust = grown(this.trust, length);
  }
}

function sane(value: number | undefined): number {
  return value !== undefined && value >= 0 && value < Number.POSITIVE_INFINITY ? value : -1;
}
