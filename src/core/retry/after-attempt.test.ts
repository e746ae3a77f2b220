/** The retry decision, by table: every reason to stop, their order, and that the budget is asked last. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_POOL_POLICY, type RetryCause, type RetryPolicy } from "../../model/policy.ts";
import { afterAttempt, type AttemptFacts, type DoneReason } from "./after-attempt.ts";
import { isIdempotent } from "./replayable.ts";

const POLICY = DEFAULT_POOL_POLICY.retries;
const FACTS: AttemptFacts = {
  attempts: 1,
  cause: "unavailable",
  answering: false,
  idempotent: true,
  allowed: true,
  room: true,
  bodyInHand: true,
};

class CountingBudget {
  asked = 0;
  readonly #grants: boolean;

  constructor(grants: boolean) {
    this.#grants = grants;
  }

  tryWithdraw(): boolean {
    this.asked++;
    return this.#grants;
  }
}

function decide(
  facts: Partial<AttemptFacts>,
  policy: RetryPolicy = POLICY,
  grants = true,
): DoneReason | "again" {
  const budget = new CountingBudget(grants);
  const step = afterAttempt(policy, { ...FACTS, ...facts }, budget, 0);
  const free = facts.cause === "connect-failure";
  const asks = !free && (step.kind === "again" || step.reason === "budget-spent");
  assert.equal(budget.asked, asks ? 1 : 0, "the budget is charged for retries that happen, and no others");
  return step.kind === "again" ? "again" : step.reason;
}

test("each reason to stop", () => {
  assert.equal(decide({}), "again");
  assert.equal(decide({ cause: undefined }), "not-retriable");
  assert.equal(decide({}, { ...POLICY, retryOn: ["connect-failure"] }), "not-retriable");
  assert.equal(decide({ answering: true }), "already-answering");
  assert.equal(decide({ attempts: 2 }), "again");
  assert.equal(decide({ attempts: 3 }), "attempts-spent");
  assert.equal(decide({}, { ...POLICY, attempts: 1 }), "attempts-spent");
  assert.equal(decide({ bodyInHand: false }), "not-replayable");
  assert.equal(decide({ allowed: false }), "not-allowed");
  assert.equal(decide({ room: false }), "retries-full");
  assert.equal(decide({ idempotent: false }), "not-replayable");
  assert.equal(decide({}, POLICY, false), "budget-spent");
  assert.equal(decide({ cause: "connect-failure" }, POLICY, false), "again");
});

test("which methods may be repeated after which cause", () => {
  const repeatable = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"];
  const causes: readonly RetryCause[] = ["connect-failure", "refused-stream", "unavailable"];
  for (const method of [...repeatable, "POST", "PATCH", "CONNECT", "get", "QUERY", ""]) {
    assert.equal(isIdempotent(method), repeatable.includes(method), method);
    for (const cause of causes) {
      const safe = cause === "connect-failure" || repeatable.includes(method);
      assert.equal(
        decide({ cause, idempotent: isIdempotent(method) }),
        safe ? "again" : "not-replayable",
        `${cause} ${method}`,
      );
    }
  }
});

test("a connect failure sent nothing, yet a body that has run through cannot be sent again", () => {
  assert.equal(decide({ cause: "connect-failure", idempotent: false, bodyInHand: false }), "not-replayable");
});
