/** The set of slots against the language's own, under any churn. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SlotSet } from "./slot-set.ts";

const ascending = (a: number, b: number): number => a - b;

test("adds, removes and sets aside as a Set would", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(70)), { maxLength: 200 }), (steps) => {
      const set = new SlotSet();
      const plain = new Set<number>();
      for (const [isAdd, slot] of steps) {
        if (isAdd) {
          set.add(slot);
          plain.add(slot);
        } else {
          set.remove(slot);
          plain.delete(slot);
        }
        assert.equal(set.size, plain.size);
        assert.equal(set.has(slot), isAdd);
      }
      const members = Array.from({ length: set.size }, (_, i) => set.at(i));
      assert.deepEqual(members.toSorted(ascending), [...plain].toSorted(ascending));
      const tried = steps.slice(0, 4).map(([, slot]) => slot);
      const front = set.untried(tried);
      const fresh = [...plain].filter((slot) => !tried.includes(slot));
      const first = Array.from({ length: front }, (_, i) => set.at(i));
      assert.deepEqual(
        first.toSorted(ascending),
        (fresh.length > 0 ? fresh : [...plain]).toSorted(ascending),
      );
      assert.equal(set.hasBeside(tried), fresh.length > 0);
      assert.deepEqual(
        Array.from({ length: set.size }, (_, i) => SlotSet.of(set).at(i)),
        Array.from({ length: set.size }, (_, i) => set.at(i)),
      );
    }),
    { seed: 5, numRuns: 200 },
  );
});
