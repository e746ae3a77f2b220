/** Admission by example and by its laws. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { OutcomeKind } from "../../model/outcome.ts";
import { createPrng } from "../../std/prng.ts";
import { Admission, type Admitted, type NextStep } from "./admission.ts";
import type { WaitTicket } from "./class-queue.ts";
import type { Permit } from "./permits.ts";
import { BATCH, BUILT_IN, INTERACTIVE, policyOf } from "./virtual-service.test.ts";

const OK = { kind: "success", status: 200 } as const;

function admissionOf(breaker: Parameters<typeof policyOf>[0], classes = BUILT_IN): Admission<string> {
  return new Admission<string>(policyOf(breaker, classes), createPrng(3));
}

function ask(admission: Admission<string>, waiter: string, classIndex = INTERACTIVE, nowMs = 0, tenant = "") {
  return admission.admit({ classIndex, tenant, waiter }, nowMs);
}

function go(admitted: Admitted<string>): Permit<string> {
  if (admitted.kind !== "go") throw new Error(admitted.kind);
  return admitted.permit;
}

/** Everything `next` has to say, in words. */
function hear(admission: Admission<string>, nowMs: number): readonly string[] {
  const heard: string[] = [];
  for (let step = admission.next(nowMs); step !== undefined; step = admission.next(nowMs)) {
    heard.push(`${step.ticket.waiter} ${step.kind === "go" ? "go" : step.reason}`);
  }
  return heard;
}

test("without a limit everybody goes at once", () => {
  const admission = admissionOf({});
  const permits = Array.from({ length: 5000 }, (_, i) => go(ask(admission, `${i}`, i % 4)));
  assert.equal(admission.underWay, 5000);
  for (const permit of permits) admission.release(permit, OK, 10);
  assert.equal(admission.underWay, 0);
  assert.throws(() => admission.release(permits[0]!, OK, 11), /given back before/);
});

test("at the limit requests wait, and a slot given back goes to the first of them", () => {
  const admission = admissionOf({ maxRequests: 2 });
  const first = go(ask(admission, "a"));
  go(ask(admission, "b"));
  const waiting = ask(admission, "c");
  assert.equal(waiting.kind, "wait");
  ask(admission, "d", INTERACTIVE, 1);
  assert.deepEqual(hear(admission, 5), []);
  admission.release(first, OK, 10);
  assert.deepEqual(hear(admission, 10), ["c go"]);
  assert.equal(admission.waiting, 1);
});

test("a newcomer does not overtake somebody for whom a slot has just come free", () => {
  const admission = admissionOf({ maxRequests: 1 });
  const first = go(ask(admission, "a"));
  ask(admission, "b", BATCH);
  admission.release(first, OK, 1);
  assert.equal(ask(admission, "c", BATCH, 1).kind, "wait");
  assert.deepEqual(hear(admission, 1), ["b go"]);
});

test("interactive goes before batch, and one turn in sixteen goes the other way", () => {
  const admission = admissionOf({ maxRequests: 1 });
  let permit = go(ask(admission, "first"));
  for (let i = 0; i < 200; i++) ask(admission, `i`, INTERACTIVE);
  for (let i = 0; i < 200; i++) ask(admission, `b`, BATCH);
  const order: string[] = [];
  for (let turn = 0; turn < 64; turn++) {
    admission.release(permit, OK, turn);
    const step = admission.next(turn);
    assert.ok(step?.kind === "go");
    permit = step.permit;
    order.push(step.ticket.waiter);
  }
  assert.equal(order.filter((each) => each === "b").length, 4);
  assert.equal(order[15], "b");
});

test("refusals are named for what stands in the way, and say when to come back", () => {
  const tight = BUILT_IN.map((each) => ({
    ...each,
    maxConcurrencyRatio: each.name === "batch" ? 0.5 : each.maxConcurrencyRatio,
    queue: { ...each.queue, maxLength: 1 },
  }));
  const admission = admissionOf({ maxRequests: 4 }, tight);
  go(ask(admission, "b1", BATCH));
  go(ask(admission, "b2", BATCH));
  assert.equal(ask(admission, "b3", BATCH).kind, "wait");
  const atShare = ask(admission, "b4", BATCH);
  assert.ok(atShare.kind === "refuse" && atShare.reason === "class-limit");
  go(ask(admission, "i1"));
  go(ask(admission, "i2"));
  assert.equal(ask(admission, "i3").kind, "wait");
  const full = ask(admission, "i4");
  assert.ok(full.kind === "refuse" && full.reason === "queue-full");
  assert.ok(full.retryAfterMs >= 750 && full.retryAfterMs <= 75_000);
  assert.deepEqual(hear(admission, 999), []);
  assert.deepEqual(hear(admission, 1000), ["i3 queue-timeout"]);
  assert.deepEqual(hear(admission, 30_000), ["b3 queue-timeout"]);
});

test("when room to wait runs out, the class that sheds first gives way to others, its last first", () => {
  const admission = admissionOf({ maxRequests: 1, maxPendingRequests: 3 });
  go(ask(admission, "x"));
  for (const name of ["b1", "b2", "b3"]) ask(admission, name, BATCH);
  assert.equal(ask(admission, "i1").kind, "wait");
  assert.deepEqual(hear(admission, 1), ["b3 shed"]);
  const training = ask(admission, "t1", 3);
  assert.ok(training.kind === "refuse" && training.reason === "queue-full");
});

test("a tenant that fills the queue gives way to one with less in it", () => {
  const classes = BUILT_IN.map((each) => ({ ...each, queue: { ...each.queue, maxLength: 4 } }));
  const admission = admissionOf({ maxRequests: 1 }, classes);
  go(ask(admission, "x"));
  for (const name of ["l1", "l2", "l3", "l4"]) ask(admission, name, INTERACTIVE, 0, "loud");
  assert.equal(ask(admission, "l5", INTERACTIVE, 0, "loud").kind, "refuse");
  assert.equal(ask(admission, "m1", INTERACTIVE, 0, "modest").kind, "wait");
  assert.deepEqual(hear(admission, 0), ["l4 queue-full"]);
});

test("a cancelled ticket never comes back, and cancelling twice is harmless", () => {
  const admission = admissionOf({ maxRequests: 1 });
  const permit = go(ask(admission, "a"));
  const waits = ask(admission, "b");
  ask(admission, "c");
  assert.ok(waits.kind === "wait");
  admission.cancel(waits.ticket, 1);
  admission.cancel(waits.ticket, 1);
  admission.release(permit, OK, 2);
  assert.deepEqual(hear(admission, 2), ["c go"]);
});

test("a reload keeps who is under way and who waits; those of a class that is gone wait on in its heir", () => {
  const admission = admissionOf({ maxRequests: 2 });
  const permit = go(ask(admission, "a", BATCH));
  go(ask(admission, "b"));
  ask(admission, "c", BATCH);
  ask(admission, "d");
  const late = ask(admission, "e", BATCH, 900);
  admission.adopt(
    policyOf({ maxRequests: 2 }, [BUILT_IN[INTERACTIVE]!, BUILT_IN[3]!]),
    950,
    new Map([["batch", 1]]),
  );
  assert.deepEqual(hear(admission, 950), []);
  assert.equal(admission.waiting, 3);
  admission.release(permit, OK, 960);
  assert.deepEqual(hear(admission, 960), ["d go"]);
  // It waits as long as its new class may from when it came to it.
  assert.deepEqual(hear(admission, 60_949), []);
  assert.ok(late.kind === "wait");
  admission.cancel(late.ticket, 60_949);
  assert.deepEqual(hear(admission, 60_950), ["c queue-timeout"]);
  assert.equal(admission.waiting, 0);
});

// ---- laws ---------------------------------------------------------------------------------------------------------

type Step =
  | { readonly kind: "admit"; readonly classIndex: number; readonly tenant: number }
  | { readonly kind: "release"; readonly which: number; readonly outcome: number }
  | { readonly kind: "cancel"; readonly which: number }
  | { readonly kind: "answered"; readonly which: number }
  | { readonly kind: "wait"; readonly ms: number };

const OUTCOMES: readonly OutcomeKind[] = ["success", "overloaded", "timeout", "server-error", "cancelled"];
const PENDING = 12;

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("admit"), classIndex: fc.nat(3), tenant: fc.nat(2) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("release"), which: fc.nat(), outcome: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cancel"), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("answered"), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait"), ms: fc.nat(3000) }) },
) as fc.Arbitrary<Step>;

/** Plays the steps, checking the laws at each; the trace is the result. */
function play(steps: readonly Step[], seed: number): readonly string[] {
  const adaptive = { min: 2, max: 9, initial: 5, tolerance: 1.5 };
  const policy = policyOf({
    maxRequests: 6,
    maxPendingRequests: PENDING,
    adaptive,
    throttle: { ratio: 2, windowMs: 5000 },
  });
  const admission = new Admission<number>(policy, createPrng(seed));
  const open: Permit<number>[] = [];
  const waiting = new Map<number, WaitTicket<number>>();
  const trace: string[] = [];
  let nowMs = 0;
  let id = 0;
  const granted = (permit: Permit<number>): void => {
    assert.ok(admission.underWay <= admission.limit, "above the limit");
    assert.ok(!open.includes(permit), "one permit for two");
    open.push(permit);
  };
  const over = (told: NextStep<number>): void => {
    assert.ok(waiting.delete(told.ticket.waiter), "told twice, or to somebody who left");
    trace.push(`${told.ticket.waiter} ${told.kind === "go" ? "go" : told.reason}`);
    if (told.kind === "go") granted(told.permit);
  };
  for (const each of steps) {
    nowMs += 3.5;
    switch (each.kind) {
      case "admit": {
        const waiter = id++;
        const facts = { classIndex: each.classIndex, tenant: `${each.tenant}`, waiter };
        const admitted = admission.admit(facts, nowMs);
        if (admitted.kind === "wait") waiting.set(waiter, admitted.ticket);
        else if (admitted.kind === "go") granted(admitted.permit);
        trace.push(`${waiter} ${admitted.kind === "refuse" ? admitted.reason : admitted.kind}`);
        break;
      }
      case "release": {
        if (open.length === 0) break;
        const permit = open.splice(each.which % open.length, 1)[0]!;
        admission.release(permit, { kind: OUTCOMES[each.outcome]!, status: 0 }, nowMs);
        assert.throws(() => admission.release(permit, OK, nowMs));
        break;
      }
      case "cancel": {
        const ids = [...waiting.keys()];
        if (ids.length === 0) break;
        const which = ids[each.which % ids.length]!;
        admission.cancel(waiting.get(which)!, nowMs);
        waiting.delete(which);
        break;
      }
      case "answered":
        if (open.length > 0) admission.answered(open[each.which % open.length]!, nowMs);
        break;
      case "wait":
        nowMs += each.ms;
    }
    for (let told = admission.next(nowMs); told !== undefined; told = admission.next(nowMs)) over(told);
    check(admission, open.length, waiting.size, nowMs);
  }
  for (const permit of open) admission.release(permit, OK, nowMs);
  for (const ticket of waiting.values()) admission.cancel(ticket, nowMs);
  assert.equal(admission.underWay + admission.waiting, 0);
  // Bounded memory: nobody is remembered who has nothing here.
  for (const queue of admission.classes) assert.equal(queue.tenants.size, 0);
  return trace;
}

function check(admission: Admission<number>, open: number, waiting: number, nowMs: number): void {
  assert.equal(admission.underWay, open);
  assert.equal(admission.waiting, waiting);
  assert.ok(waiting <= PENDING);
  // Work conserving: whoever waits is kept by the limit, by its share, or by room kept for those before it.
  const { limit, underWay, classes } = admission;
  if (underWay >= limit) return;
  for (const queue of classes) {
    assert.ok(queue.size === 0 || queue.expired(nowMs) === undefined, "waits longer than it may");
    if (queue.size === 0 || queue.policy.priority > 0) continue;
    assert.ok(
      queue.underWay >= Math.ceil(limit * queue.policy.maxConcurrencyRatio),
      "waits beside a free slot",
    );
  }
  const idle = classes.every((queue) => queue.underWay === 0);
  assert.ok(!idle || waiting === 0, "nobody under way, and somebody waits");
}

test("never above the limit, work conserving, each told once, nothing left behind", () => {
  const steps = fc.array(step, { minLength: 20, maxLength: 300 });
  fc.assert(
    fc.property(steps, fc.nat(), (all, seed) => {
      play(all, seed);
    }),
    { seed: 41, numRuns: 200 },
  );
});

test("same seed and calls, same answers", () => {
  const steps = fc.array(step, { minLength: 20, maxLength: 150 });
  fc.assert(
    fc.property(steps, fc.nat(), (all, seed) => assert.deepEqual(play(all, seed), play(all, seed))),
    { seed: 42, numRuns: 40 },
  );
});

test("a class that comes back after a reload without it begins anew", () => {
  const adaptive = { min: 5, max: 100, initial: 100, tolerance: 1.5 };
  const own = { ...BUILT_IN[INTERACTIVE]!, name: "own", priority: 7 };
  const OWN = BUILT_IN.length;
  /** Of answers that take ten times as long, after many short ones. */
  const limitAfter = (isLeftOut: boolean): number => {
    const admission = admissionOf({ adaptive }, [...BUILT_IN, own]);
    const serve = (takesMs: number, fromMs: number): void => {
      for (let round = 0; round < 8; round++) {
        const startMs = fromMs + round * 1_000;
        const permits = Array.from({ length: 80 }, () => go(ask(admission, "r", OWN, startMs)));
        for (const permit of permits) admission.release(permit, OK, startMs + takesMs);
      }
    };
    serve(20, 0);
    const late = go(ask(admission, "late", OWN, 9_000));
    if (isLeftOut) admission.adopt(policyOf({ adaptive }, BUILT_IN), 10_000);
    // What is still under way teaches nothing of a class that is gone.
    admission.release(late, OK, 10_000);
    admission.adopt(policyOf({ adaptive }, [...BUILT_IN, own]), 11_000);
    const before = admission.limit;
    const permits = Array.from({ length: 60 }, () => go(ask(admission, "r", OWN, 12_000)));
    for (const permit of permits) admission.release(permit, OK, 12_400);
    return admission.limit - before;
  };
  assert.ok(limitAfter(false) < 0, "known to be fast, it has slowed down");
  assert.ok(limitAfter(true) >= 0, "of a class just met, nothing is known to have changed");
});
