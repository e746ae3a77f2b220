/** What a turn teaches admission when it ends: what the last endpoint said, and nothing the gateway said itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { keys, spec } from "../core/balance/virtual-pool.test.ts";
import { DEFAULT_THROTTLE } from "../model/policy.ts";
import { createPrng } from "../std/prng.ts";
import { LivePool } from "./live-pool.ts";
import type { AttemptRecord } from "./record.ts";
import { Turn } from "./turn.ts";

/** How many of 200 requests, each of which ends so, are refused before they are tried. */
function throttledOf200(last: Pick<AttemptRecord, "outcome" | "status"> | undefined): number {
  const base = spec(keys(2));
  const circuitBreaker = { ...base.policy.circuitBreaker, throttle: DEFAULT_THROTTLE };
  const options = { prng: createPrng(1), localZone: undefined };
  const pool = new LivePool({ ...base, policy: { ...base.policy, circuitBreaker } }, [], options, 0);
  let throttled = 0;
  for (let i = 0; i < 200; i++) {
    let refused = false;
    const turn = new Turn(pool, pool.classes[0]!, "", {
      onTurn: () => {},
      onTurnRefused: ({ reason }) => {
        assert.equal(reason, "throttled");
        refused = true;
      },
      onDefect: (error) => assert.fail(String(error)),
    });
    turn.ask(i);
    if (refused) throttled++;
    else turn.end(last, i);
  }
  return throttled;
}

test("endpoints that refuse for load are spared", () => {
  assert.ok(throttledOf200({ outcome: "server-error", status: 503 }) > 100);
  assert.ok(throttledOf200({ outcome: "overloaded", status: 429 }) > 100);
});

test("an endpoint that could not be reached, or none at all, refuses nothing, whatever the client was told", () => {
  assert.equal(throttledOf200({ outcome: "connect-failure", status: 0 }), 0);
  assert.equal(throttledOf200({ outcome: "server-error", status: 500 }), 0);
  assert.equal(throttledOf200(undefined), 0);
});
