/** The fit within bounds: a sample never makes it predict that very sample worse, wherever the bounds bend the step. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPrng } from "../../../std/prng.ts";
import { LeastSquares } from "./least-squares.ts";

test("a step that bounds have bent still goes towards its sample", () => {
  const prng = createPrng(7);
  for (let run = 0; run < 50; run++) {
    const fit = new LeastSquares({
      coefficients: [7, 0.03, 0.04],
      least: [0.2, 0, 0],
      most: [500, 5, 5],
      spread: [15, 0.1, 0.1],
    });
    // Better explained by coefficients below the bounds: what is measured grows faster than in proportion.
    const power = 1 + prng.float();
    for (let i = 0; i < 2000; i++) {
      const streams = 60 + prng.below(40);
      const kilos = streams * (4 + prng.float());
      fit.features.set([1, streams, kilos]);
      const measured = 20 * (streams / 80) ** power * (kilos / 360) ** (power / 2);
      const before = Math.abs(fit.predict() - measured);
      fit.learn(measured);
      const after = Math.abs(fit.predict() - measured);
      assert.ok(after <= before * 1.01 + 0.05, `run ${run}, sample ${i}: from ${before} to ${after} ms off`);
    }
  }
});
