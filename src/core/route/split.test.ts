/** Weighted choice: shares, zeros, and that every draw lands. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { splitBackend } from "./split.ts";

test("draws fall where the weights say", () => {
  const [a, b, c] = [{ weight: 1 }, { weight: 0 }, { weight: 3 }];
  const backends = [a, b, c];
  assert.equal(splitBackend(backends, 0), a);
  assert.equal(splitBackend(backends, 0.2499), a);
  assert.equal(splitBackend(backends, 0.25), c);
  assert.equal(splitBackend(backends, 0.9999), c);
});

test("nothing to choose from", () => {
  assert.equal(splitBackend([], 0.5), undefined);
  assert.equal(splitBackend([{ weight: 0 }, { weight: 0 }], 0.5), undefined);
});

test("any draw gives a backend with weight, and shares come out exactly over an even sweep", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }), (weights) => {
      const backends = weights.map((weight, id) => ({ id, weight }));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const counts = weights.map(() => 0);
      for (let draw = 0; draw < total; draw++) {
        const chosen = splitBackend(backends, (draw + 0.5) / total);
        assert.ok(chosen !== undefined);
        counts[chosen.id] = (counts[chosen.id] ?? 0) + 1;
      }
      assert.deepEqual(counts, weights);
    }),
  );
});
