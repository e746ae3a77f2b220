/** ConsistentHash in a pool: affinity, bounds, what happens to keys of those who are ill, full or gone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HashKey, HashPolicy } from "../../model/balancing.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { Ticket } from "../../model/verdict.ts";
import { createPrng } from "../../std/prng.ts";
import { hashOf, hashText, type HashSource } from "./hash-key.ts";
import { PoolBrain } from "./pool-brain.ts";
import { keys, spec } from "./virtual-pool.test.ts";

const OK: Outcome = { kind: "success", status: 200, firstByteMs: 5, totalMs: 5 };

const HASH: HashPolicy = {
  key: { kind: "header", name: "x-user" },
  table: { kind: "maglev", size: 65_537 },
  boundedLoadPercent: 125,
};
const UNBOUNDED: HashPolicy = { ...HASH, boundedLoadPercent: 0 };

function brainOf(members: readonly string[], hash: HashPolicy = HASH, seed = 1): PoolBrain {
  const brain = new PoolBrain({ prng: createPrng(seed) });
  brain.adopt(spec(members, "ConsistentHash", { balancing: { hash } }), 0);
  return brain;
}

function send(brain: PoolBrain, hash: number, nowMs = 0, tried: readonly number[] = []): Ticket {
  const verdict = brain.pick({ tried, hash }, nowMs);
  if (verdict.kind !== "send") throw new Error(verdict.reason);
  return verdict.ticket;
}

function owner(brain: PoolBrain, key: string, nowMs = 0): string {
  const ticket = send(brain, hashText(key), nowMs);
  brain.settle(ticket, OK, nowMs);
  return ticket.endpoint.key;
}

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

const USERS = Array.from({ length: 2000 }, (_, i) => `user-${i}`);

test("a key keeps its endpoint, on every gateway", () => {
  for (const table of [HASH.table, { kind: "ring", sizeMin: 1024, sizeMax: 262_144 } as const]) {
    const one = brainOf(keys(10), { ...HASH, table });
    const other = brainOf(keys(10).toReversed(), { ...HASH, table }, 99);
    const seen = new Set<string>();
    for (const user of USERS) {
      const key = owner(one, user);
      seen.add(key);
      assert.equal(owner(one, user), key);
      assert.equal(owner(other, user), key);
    }
    assert.equal(seen.size, 10);
  }
});

test("an ill endpoint loses its keys only for as long, and no other key moves", () => {
  const brain = brainOf(keys(10));
  const before = new Map(USERS.map((user) => [user, owner(brain, user)]));
  brain.setHealthy("e3", false, 0);
  const heirs = new Set<string>();
  for (const user of USERS) {
    const key = owner(brain, user);
    if (before.get(user) === "e3") heirs.add(key);
    else assert.equal(key, before.get(user));
  }
  assert.deepEqual(
    [...heirs].toSorted(byText),
    keys(10).filter((key) => key !== "e3"),
    "its keys spread over all",
  );
  brain.setHealthy("e3", true, 0);
  for (const user of USERS) assert.equal(owner(brain, user), before.get(user));
});

test("no endpoint is above the bound when a request is sent to it", () => {
  for (let seed = 0; seed < 5; seed++) {
    const brain = brainOf(keys(20), HASH, seed);
    const chance = createPrng(seed);
    const open: Ticket[] = [];
    const inFlight = new Map<string, number>();
    for (let i = 0; i < 20_000; i++) {
      // One key in two is the same: the hot one.
      const ticket = send(brain, hashText(i % 2 === 0 ? "hot" : `user-${i}`), i);
      const { key } = ticket.endpoint;
      const count = (inFlight.get(key) ?? 0) + 1;
      const bound = Math.max(4, Math.ceil((1.25 * (open.length + 1)) / 20));
      assert.ok(count <= bound, `${count} on ${key}, bound ${bound}`);
      inFlight.set(key, count);
      open.push(ticket);
      while (open.length > 300) {
        const ended = open.splice(chance.below(open.length), 1)[0]!;
        inFlight.set(ended.endpoint.key, inFlight.get(ended.endpoint.key)! - 1);
        brain.settle(ended, OK, i);
      }
    }
  }
});

test("without a bound a hot key stays where it is", () => {
  const brain = brainOf(keys(20), UNBOUNDED);
  const sent = new Set(Array.from({ length: 300 }, () => send(brain, hashText("hot")).endpoint.key));
  assert.equal(sent.size, 1);
});

test("a retry goes elsewhere, always to the same place", () => {
  const brain = brainOf(keys(10));
  for (const user of USERS.slice(0, 100)) {
    const first = send(brain, hashText(user));
    const second = send(brain, hashText(user), 0, [first.slot]);
    const again = send(brain, hashText(user), 0, [first.slot]);
    assert.notEqual(second.slot, first.slot);
    assert.equal(again.slot, second.slot);
    for (const ticket of [first, second, again]) brain.settle(ticket, OK, 0);
  }
});

test("a request without a key goes where it costs less", () => {
  const brain = brainOf(["a", "b"]);
  send(brain, -1);
  const verdict = brain.pick({ tried: [] }, 0);
  assert.equal(verdict.kind, "send");
  assert.deepEqual(
    brain.report(0).map(({ inFlight }) => inFlight),
    [1, 1],
  );
});

test("members that come are in the table after the next tick, or after 2 s without one; rebuilds are a second apart", () => {
  const brain = brainOf(keys(10));
  const has = (key: string, nowMs: number): boolean =>
    USERS.some((user) => owner(brain, user, nowMs) === key);
  brain.adopt(spec(keys(11), "ConsistentHash", { balancing: { hash: HASH } }), 100);
  assert.equal(has("e10", 110), false, "coalesced");
  brain.rebalance(1100);
  assert.equal(has("e10", 1110), true);
  brain.adopt(spec(keys(12), "ConsistentHash", { balancing: { hash: HASH } }), 1200);
  assert.equal(has("e11", 1300), false);
  assert.equal(has("e11", 3300), true, "no tick came");
});

test("a big table is built in slices, serving from the old one meanwhile", () => {
  const big: HashPolicy = { ...UNBOUNDED, table: { kind: "maglev", size: 1_000_003 } };
  const brain = brainOf(keys(50), big);
  const before = USERS.map((user) => owner(brain, user));
  brain.adopt(spec(keys(49), "ConsistentHash", { balancing: { hash: big } }), 5000);
  let moved = 0;
  for (const [i, user] of USERS.entries()) {
    if (owner(brain, user, 5001) !== before[i]) moved++;
  }
  assert.ok(moved < (2000 / 50) * 1.7, `${moved}: those of the one that left`);
  for (let tick = 1; tick <= 20; tick++) brain.rebalance(5000 + tick * 1000);
  const after = brainOf(keys(49), big);
  for (const user of USERS) assert.equal(owner(brain, user, 26_000), owner(after, user));
});

test("where the key is found", () => {
  const fields: Readonly<Record<string, string>> = {
    "x-user": "ann",
    cookie: "a=1; sid=xyz ;b=; sid=other",
  };
  const source: HashSource = {
    path: "/shop/cart",
    header: (name) => fields[name],
  };
  const cases: readonly (readonly [HashKey, number])[] = [
    [{ kind: "header", name: "x-user" }, hashText("ann")],
    [{ kind: "header", name: "x-none" }, -1],
    [{ kind: "cookie", name: "sid" }, hashText("xyz")],
    [{ kind: "cookie", name: "b" }, hashText("")],
    [{ kind: "cookie", name: "none" }, -1],
    [{ kind: "source-ip" }, hashText("10.1.2.3")],
    [{ kind: "path" }, hashText("/shop/cart")],
  ];
  for (const [key, hash] of cases) assert.equal(hashOf(key, source, "10.1.2.3"), hash, JSON.stringify(key));
});
