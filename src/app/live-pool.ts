/**
 * A pool that lives: its brain, who is admitted to it, its budgets and its policy, kept from view to view under the pool's
 * key, so that what was learnt survives a reload.
 */
import { Admission, type AdmissionFacts, type Admitted, type Refused } from "../core/admission/admission.ts";
import { classLanes } from "../core/admission/class-lanes.ts";
import { classesAt, Classifier, type ClassifyFacts, type ClassifyRule } from "../core/admission/classify.ts";
import type { RouteHabits } from "../core/admission/observed.ts";
import { ORDINARY_PRIORITY, promptClasses, promptPriorities } from "../core/admission/prompt-classes.ts";
import type { Permit } from "../core/admission/permits.ts";
import { admissionPolicyFor } from "../core/admission/policy-for.ts";
import { PoolBrain } from "../core/balance/pool-brain.ts";
import { RetryBudget } from "../core/retry/budget.ts";
import { RetryConcurrency } from "../core/retry/concurrency.ts";
import { HedgeGovernor } from "../core/retry/hedge.ts";
import { followed, inherit, type FollowedClass, type LiveClass } from "./followed-classes.ts";
import type { EngineWatch } from "./inference/engine-watch.ts";
import { PromptDesk } from "./inference/prompt-desk.ts";
import type { PoolSpec } from "../model/pool.ts";
import { BUILT_IN_CLASSES, type WorkloadClass } from "../model/workload.ts";
import type { Prng } from "../std/prng.ts";

/** Who waits to be admitted: hears either of its turn or of a refusal, once. */
export interface Waiter {
  granted(permit: Permit<Waiter>, nowMs: number): void;
  refused(refused: Refused, nowMs: number): void;
}

export interface LivePoolOptions {
  readonly prng: Prng;
  /** The gateway's own zone; undefined: it is not known, and none is preferred. */
  readonly localZone: string | undefined;
}

export class LivePool {
  readonly key: string;
  readonly brain: PoolBrain;
  readonly admission: Admission<Waiter>;
  readonly budget: RetryBudget = new RetryBudget();
  readonly retries: RetryConcurrency = new RetryConcurrency();
  readonly hedges: HedgeGovernor = new HedgeGovernor();
  /** Who follows the pool's engines; undefined: it has none, or nobody does. */
  engines: EngineWatch | undefined = undefined;
  readonly #prng: Prng;
  #spec: PoolSpec;
  #desk: PromptDesk | undefined;
  /** Classes of prompts, most important first. */
  #prompts: readonly FollowedClass[] = [];
  #classes: readonly FollowedClass[] = [];
  #classifier: Classifier;
  #handingOut = false;
  #hedges = false;

  /** `all`: every class of work that is declared. */
  constructor(spec: PoolSpec, all: readonly WorkloadClass[], options: LivePoolOptions, nowMs: number) {
    this.key = spec.key;
    this.#spec = spec;
    this.#prng = options.prng;
    this.brain = new PoolBrain(options);
    const classes = classesAt(spec.key, all);
    this.#classifier = new Classifier(classes);
    this.admission = new Admission(admissionPolicyFor(spec.policy, classes, promptsAt(spec)), options.prng);
    this.adopt(spec, all, nowMs);
  }

  get spec(): PoolSpec {
    return this.#spec;
  }

  /** Undefined: not a pool of model servers. */
  get desk(): PromptDesk | undefined {
    return this.#desk;
  }

  /** Some class of work may be hedged here, so that how long answers take must be known. */
  get mayHedge(): boolean {
    return this.#hedges;
  }

  /** In the order that admission knows them by. */
  get classes(): readonly LiveClass[] {
    return this.#classes;
  }

  adopt(spec: PoolSpec, all: readonly WorkloadClass[], nowMs: number): void {
    this.#spec = spec;
    const classes = classesAt(spec.key, all);
    const prompts = promptsAt(spec);
    const { lanes, laneOf } = classLanes(spec.policy, classes);
    const before = [...this.#classes, ...this.#prompts];
    this.#classes = followed(this.#classes, classes, (index) => ({ index, lane: laneOf[index]! }));
    this.#classifier = new Classifier(classes);
    this.#hedges = classes.some(({ treatment }) => treatment.hedging);
    this.brain.adopt(spec, nowMs, lanes);
    if (spec.inference === undefined) this.#desk = undefined;
    else if (this.#desk === undefined) this.#desk = new PromptDesk(spec.inference, this.#prng);
    else this.#desk.adopt(spec.inference);
    this.#prompts = followed(this.#prompts, prompts, (rank) => ({ index: classes.length + rank, lane: 0 }));
    const heirs = inherit(before, [...this.#classes, ...this.#prompts]);
    this.admission.adopt(admissionPolicyFor(spec.policy, classes, prompts), nowMs, heirs);
    this.handOut(nowMs);
  }

  /** The pool is gone from the configuration: nobody is tried any more, and what is under way ends. */
  retire(nowMs: number): void {
    this.adopt({ ...this.#spec, endpoints: [] }, [], nowMs);
  }

  classify(rule: ClassifyRule, facts: ClassifyFacts, habits: RouteHabits | undefined): LiveClass {
    return this.#classes[this.#classifier.classify(rule, facts, habits)]!;
  }

  /**
   * The class of a prompt: its own, where one was declared that takes it; else that of its priority, or of an ordinary one if a
   * reload has taken the priority away.
   */
  classOfPrompt(work: LiveClass, priority: number): LiveClass {
    if (!BUILT_IN_CLASSES.includes(work.workload)) return work;
    const priorities = this.#spec.inference === undefined ? [] : promptPriorities(this.#spec.inference);
    const rank = priorities.indexOf(priority);
    return this.#prompts[rank === -1 ? priorities.indexOf(ORDINARY_PRIORITY) : rank] ?? this.#classes.at(-1)!;
  }

  /** A waiter hears of its turn later, or even before this returns. */
  admit(facts: AdmissionFacts<Waiter>, nowMs: number): Admitted<Waiter> {
    const admitted = this.admission.admit(facts, nowMs);
    // Somebody of less weight may have given way.
    if (admitted.kind === "wait") this.handOut(nowMs);
    return admitted;
  }

  /** Tells those who wait what became of them: after every change, and now and then for those who wait too long. */
  handOut(nowMs: number): void {
    // Who hears may end at once and lead here again; the loop that is under way goes on for both.
    if (this.#handingOut) return;
    this.#handingOut = true;
    try {
      for (let step = this.admission.next(nowMs); step !== undefined; step = this.admission.next(nowMs)) {
        if (step.kind === "go") step.ticket.waiter.granted(step.permit, nowMs);
        else step.ticket.waiter.refused(step, nowMs);
      }
    } finally {
      this.#handingOut = false;
    }
  }
}

function promptsAt({ inference }: PoolSpec): readonly WorkloadClass[] {
  return inference === undefined ? [] : promptClasses(inference);
}
