/** Recognition: what is said, what is observed, and which goes first. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BUILT_IN_CLASSES, type WorkloadClass, type WorkloadMatch } from "../../model/workload.ts";
import { classesAt, Classifier, type ClassifyFacts, type ClassifyRule } from "./classify.ts";
import { RouteHabits, type RequestSize } from "./observed.ts";

const ASKS_NOTHING: WorkloadMatch = {
  routes: [],
  methods: [],
  headers: [],
  contentTypes: [],
  observed: undefined,
};

function classOf(
  name: string,
  match: readonly Partial<WorkloadMatch>[],
  more: Partial<WorkloadClass> = {},
): WorkloadClass {
  return {
    ...BUILT_IN_CLASSES[2]!,
    name,
    match: match.map((each) => ({ ...ASKS_NOTHING, ...each })),
    ...more,
  };
}

function facts(
  said: Partial<{ rule: string; method: string; headers: Record<string, string> }> = {},
): ClassifyFacts & { readonly rule: ClassifyRule } {
  const id = said.rule ?? "shop/web/0";
  return {
    rule: { id, route: id.slice(0, id.lastIndexOf("/")) },
    method: said.method ?? "GET",
    header: (name) => said.headers?.[name],
  };
}

function nameOf(
  own: readonly WorkloadClass[],
  request: ReturnType<typeof facts>,
  habits?: RouteHabits,
): string {
  const classes = classesAt("shop/web:80", own);
  return classes[new Classifier(classes).classify(request.rule, request, habits)]!.name;
}

const QUICK: RequestSize = { firstByteMs: 20, totalMs: 25, requestBytes: 300, responseBytes: 4_000 };

function habitsOf(size: Partial<RequestSize>, count = 100): RouteHabits {
  const habits = new RouteHabits();
  for (let i = 0; i < count; i++) habits.learn({ ...QUICK, ...size });
  return habits;
}

test("without classes of one's own everything is interactive until its route is known for something else", () => {
  assert.equal(nameOf([], facts()), "interactive");
  assert.equal(nameOf([], facts(), habitsOf({})), "interactive");
  assert.equal(nameOf([], facts(), habitsOf({ firstByteMs: 30_000, totalMs: 30_100 })), "batch");
  assert.equal(nameOf([], facts(), habitsOf({ responseBytes: 2e8 })), "batch");
  assert.equal(nameOf([], facts(), habitsOf({ totalMs: 40_000 })), "streaming");
  assert.equal(nameOf([], facts(), habitsOf({ firstByteMs: 1e6, totalMs: 1e6 })), "training");
  assert.equal(nameOf([], facts(), habitsOf({ totalMs: 40_000 }, 19)), "interactive", "too few");
});

test("every part of a match must hold, any match will do, and the first class wins", () => {
  const own = [
    classOf("route", [{ routes: ["shop/report", "shop/web/export"] }]),
    classOf("header", [
      { headers: [{ kind: "exact", name: "x-kind", value: "job" }], methods: ["POST"] },
      { headers: [{ kind: "regex", name: "x-kind", value: "night-[0-9]+" }] },
    ]),
    classOf("body", [{ contentTypes: ["application/x-ndjson", "video/*"] }]),
  ];
  const cases: readonly [string, ReturnType<typeof facts>][] = [
    ["route", facts({ rule: "shop/report/3" })],
    ["route", facts({ rule: "shop/web/export", headers: { "x-kind": "night-1" } })],
    ["interactive", facts({ rule: "shop/web/1" })],
    ["header", facts({ method: "POST", headers: { "x-kind": "job" } })],
    ["interactive", facts({ method: "GET", headers: { "x-kind": "job" } })],
    ["header", facts({ headers: { "x-kind": "night-12" } })],
    ["interactive", facts({ headers: { "x-kind": "tonight-12" } })],
    ["body", facts({ headers: { "content-type": "Application/X-NDJSON; charset=utf-8" } })],
    ["body", facts({ headers: { "content-type": "video/mp4" } })],
    ["interactive", facts({ headers: { "content-type": "videos/mp4" } })],
  ];
  for (const [name, request] of cases) assert.equal(nameOf(own, request), name);
});

test("said goes before observed, and observed before the built-in", () => {
  const observed = {
    durationMsMin: 5_000,
    streamMsMin: undefined,
    requestBytesMin: undefined,
    responseBytesMin: undefined,
  };
  const own = [classOf("slow", [{ observed }]), classOf("said", [{ methods: ["PUT"] }])];
  const slow = habitsOf({ firstByteMs: 20_000, totalMs: 20_000 });
  assert.equal(nameOf(own, facts(), slow), "slow");
  assert.equal(nameOf(own, facts({ method: "PUT" }), slow), "said");
  assert.equal(nameOf([own[1]!], facts(), slow), "batch");
});

test("a class without a match stands in for the built-in of its kind, at the pools it speaks of", () => {
  const own = [
    classOf("mine", [], { poolKeys: ["shop/web:80"] }),
    classOf("theirs", [], { poolKeys: ["shop/api:80"] }),
  ];
  assert.equal(nameOf(own, facts(), habitsOf({ responseBytes: 2e8 })), "mine");
});

test("hysteresis: what was reached holds until it has fallen to half", () => {
  const habits = habitsOf({ firstByteMs: 11_000, totalMs: 11_000 });
  assert.equal(habits.kind, "batch");
  for (let i = 0; i < 500; i++) habits.learn({ ...QUICK, firstByteMs: 6_000, totalMs: 6_000 });
  assert.equal(habits.kind, "batch");
  for (let i = 0; i < 500; i++) habits.learn({ ...QUICK, firstByteMs: 4_000, totalMs: 4_000 });
  assert.equal(habits.kind, "interactive");
  for (let i = 0; i < 500; i++) habits.learn({ ...QUICK, firstByteMs: 6_000, totalMs: 6_000 });
  assert.equal(habits.kind, "interactive");
});

test("asking changes nothing: a class's bound holds whether or not it was asked about while it was reached", () => {
  const observed = {
    durationMsMin: 10_000,
    streamMsMin: undefined,
    requestBytesMin: undefined,
    responseBytesMin: undefined,
  };
  const own = [classOf("slow", [{ observed }], { kind: "interactive" })];
  for (const asking of [true, false]) {
    const habits = habitsOf({ firstByteMs: 11_000, totalMs: 11_000 });
    if (asking) assert.equal(nameOf(own, facts(), habits), "slow");
    for (let i = 0; i < 500; i++) habits.learn({ ...QUICK, firstByteMs: 6_000, totalMs: 6_000 });
    assert.equal(nameOf(own, facts(), habits), "slow", `asked before: ${asking}`);
    for (let i = 0; i < 500; i++) habits.learn({ ...QUICK, firstByteMs: 4_000, totalMs: 4_000 });
    assert.equal(nameOf(own, facts(), habits), "interactive", `asked before: ${asking}`);
  }
});

test("one giant among a thousand does not change a route's kind", () => {
  const habits = habitsOf({}, 1000);
  habits.learn({ firstByteMs: 600_000, totalMs: 3_600_000, requestBytes: 1e10, responseBytes: 1e10 });
  assert.equal(habits.kind, "interactive");
});
