/** Levels of priority come with the classes that have them, and go with the last. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClassQueue } from "./class-queue.ts";
import { FairTurn } from "./fair-turn.ts";
import { BUILT_IN, INTERACTIVE } from "./virtual-service.test.ts";

function queueOf(name: string, priority: number): ClassQueue<string> {
  return new ClassQueue<string>({ ...BUILT_IN[INTERACTIVE]!, name, priority, weight: 1 });
}

test("a priority that no class has any more is forgotten, clock and all, and those in use are kept", () => {
  const turn = new FairTurn<string>();
  const [kept, gone] = [queueOf("kept", 3), queueOf("gone", 4)];
  for (let i = 0; i < 10; i++) for (const queue of [kept, gone]) turn.started(queue, 100);
  turn.retain([kept]);
  const [late, anew] = [queueOf("late", 3), queueOf("anew", 4)];
  for (const queue of [late, anew]) turn.started(queue, 100);
  assert.equal(late.tagMs, 1000, "starts where those of its priority are");
  assert.equal(anew.tagMs, 100);
});
