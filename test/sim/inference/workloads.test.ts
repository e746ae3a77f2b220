/**
 * Workloads: sound as data, whatever the seed; those from recordings where the recordings are at hand.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findCapacity } from "../../../src/sim/inference/capacity.ts";
import { CONTENDERS } from "../../../src/sim/inference/contenders.ts";
import { nameBlocks } from "../../../src/sim/inference/names.ts";
import { runInference } from "../../../src/sim/inference/run-inference.ts";
import { agents } from "../../../src/sim/inference/workload/agents.ts";
import { pressure } from "../../../src/sim/inference/workload/pressure.ts";
import { windowOf } from "../../../src/sim/inference/workload/recorded.ts";
import { cacheBound } from "../../../src/sim/inference/workload/workload.ts";
import { WORKLOADS } from "../../../src/sim/inference/workload/workloads.ts";
import { assertNear } from "../kit.ts";
import { ORDINARY } from "./kit.ts";

describe("workloads", () => {
  for (const [name, make] of WORKLOADS) {
    const workload = make({ seed: 1, requests: 800 });
    it(
      `${name}: prefixes are prefixes, times ascend, everything fits`,
      { skip: workload === undefined },
      () => {
        const { requests, blockTokens, fleet, nominalRatePerSec, rateMin, rateMax } = workload!;
        assert.ok(requests.length >= 700 && requests.length < 1800, `${requests.length} requests`);
        assert.ok(rateMin < rateMax && fleet.length >= 2);
        const before = new Map<number, number>();
        let lastMs = 0;
        for (const [index, request] of requests.entries()) {
          assert.ok(request.promptTokens >= 1 && request.outputTokens >= 1);
          const tokens = request.promptTokens + request.outputTokens;
          assert.ok(request.hashes.length <= tokens / blockTokens);
          assert.ok(fleet.every(({ kvTokens }) => tokens < kvTokens - blockTokens));
          if (request.after < 0) {
            assert.ok(request.atMs >= lastMs);
            lastMs = request.atMs;
          } else {
            assert.ok(request.after < index);
          }
          // A hash stands for all in front of it: it always has the same predecessor.
          for (const [block, hash] of request.hashes.entries()) {
            const previous = block === 0 ? 0 : request.hashes[block - 1]!;
            assert.equal(before.get(hash) ?? previous, previous);
            before.set(hash, previous);
            assert.ok(hash >= 1);
          }
        }
        const roots = requests.filter(({ after }) => after < 0).length;
        const spanSec = (lastMs - requests[0]!.atMs) / 1000;
        if (roots === requests.length) assertNear(roots / spanSec, nominalRatePerSec, 0.25, "nominal rate");
        assert.notDeepEqual(make({ seed: 2, requests: 800 })!.requests[5], requests[5]);
      },
    );
  }

  it("bounds what a cache can hold: pressure has five of six thousand tokens in common, but for the first of each", () => {
    const bound = cacheBound(pressure({ seed: 1, requests: 3000 }));
    assertNear(bound, (93 * 64) / 7200, 0.03, "bound");
  });

  it(
    "lets agents ask again only when they have been answered",
    { skip: agents({ seed: 1, requests: 100 }) === undefined },
    () => {
      const workload = agents({ seed: 1, requests: 300 })!;
      const run = runInference({
        ...ORDINARY,
        workload,
        ratePerSec: 4,
        policy: CONTENDERS.get("least-request")!,
      });
      let followers = 0;
      for (const { work, arrivedMs } of run.calls) {
        if (work.after < 0) continue;
        followers++;
        assertNear(arrivedMs, run.calls[work.after]!.endedMs + work.thinkMs, 1e-9, "next turn");
      }
      assert.ok(followers > 400);
    },
  );

  it("takes windows of recordings around their end", () => {
    const rows = [0, 10, 30, 60].map((atMs) => ({ atMs }));
    assert.deepEqual(
      windowOf(rows, 2, 4).map(({ atMs }) => atMs),
      [0, 30, 30, 40],
    );
    assert.equal(windowOf(rows, 0, 9).length, 4);
  });

  it("gives each block one name, spread over 53 bits", () => {
    const { requests, blockTokens } = pressure({ seed: 1, requests: 200 });
    const names = nameBlocks(requests);
    const all = names.byHash.subarray(1);
    assert.equal(new Set(all).size, all.length);
    assert.ok(all.every((name) => Number.isSafeInteger(name) && name >= 1));
    assertNear(all.reduce((total, name) => total + name, 0) / all.length, 2 ** 52, 0.05, "mean");
    assert.equal(names.blocksOf(requests[0]!, blockTokens).count, Math.floor(7200 / 64));
  });
});

describe("the capacity", () => {
  it("is found wherever it lies, to the ratio asked for", () => {
    for (const limit of [2.5, 7, 39]) {
      for (const guess of [undefined, 3, 20]) {
        const found = findCapacity({
          rateMin: 2,
          rateMax: 40,
          guess,
          ratio: 1.02,
          holds: (rate) => rate <= limit,
        });
        assert.ok(
          found.ratePerSec <= limit && found.ratePerSec > limit / 1.0201,
          `${found.ratePerSec} of ${limit}`,
        );
        assert.ok(found.runs < 14);
      }
    }
    const search = { rateMin: 2, rateMax: 40, guess: undefined, ratio: 1.02 };
    assert.equal(findCapacity({ ...search, holds: () => true }).bound, "above");
    assert.equal(findCapacity({ ...search, holds: () => false }).bound, "below");
  });

  it("of prefix pressure is half as large again where the policy knows of caches", () => {
    const workload = pressure({ seed: 1, requests: 900 });
    const held = (name: string, ratePerSec: number): boolean =>
      !runInference({
        ...ORDINARY,
        workload,
        ratePerSec,
        policy: CONTENDERS.get(name)!,
        stopBelow: 0.9,
      }).stopped;
    assert.ok(held("round-robin", 6) && !held("round-robin", 10));
    assert.ok(held("sticky-18s", 10));
    assert.ok(held("cost", 10));
  });
});
