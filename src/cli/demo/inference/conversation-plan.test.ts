/** The demo's conversations: the same by the same seed, in order, and of the sizes that the story needs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RTX4090_8B } from "../../../sim/engine/profiles.ts";
import { ConversationPlan } from "./conversation-plan.ts";
import { ENGINES } from "./fleets.ts";

const take = (seed: number, count: number): ReturnType<ConversationPlan["next"]>[] => {
  const plan = new ConversationPlan(seed);
  return Array.from({ length: count }, () => plan.next());
};

test("same seed, same conversations; another seed, others", () => {
  assert.deepEqual(take(3, 50), take(3, 50));
  assert.notDeepEqual(take(3, 5), take(4, 5));
});

test("they begin in order, and turns are some", () => {
  const all = take(1, 500);
  assert.deepEqual(
    all.map(({ beginMs }) => beginMs),
    all.map(({ beginMs }) => beginMs).toSorted((a, b) => a - b),
  );
  const turns = all.reduce((sum, conversation) => sum + conversation.turns.length, 0) / all.length;
  assert.ok(turns > 3 && turns < 5, `${turns} turns in the mean`);
});

test("all system prompts together are more than one engine remembers, and less than the fleet", () => {
  const systems = new Set(take(1, 2000).map(({ system }) => system));
  const tokens = [...systems].reduce((sum, system) => sum + system.length / 4, 0);
  assert.ok(tokens > 1.5 * RTX4090_8B.kvTokens, `${tokens} tokens`);
  assert.ok(tokens < 0.75 * ENGINES * RTX4090_8B.kvTokens, `${tokens} tokens`);
});
