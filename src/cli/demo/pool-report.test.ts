/** Reading /debug/pools: what fits is taken, anything else is left out and never a crash. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePools } from "./pool-report.ts";

const KEY = "default/quickstart:80";

test("takes the state and the requests in flight of each endpoint of the named pool", () => {
  const text = JSON.stringify({
    pools: [
      { key: "default/other:80", endpoints: [{ key: "127.0.0.1:1", state: "healthy", inFlight: 9 }] },
      {
        key: KEY,
        policy: "PeakEwma",
        endpoints: [
          { key: "127.0.0.1:9101", state: "healthy", inFlight: 2 },
          { key: "127.0.0.1:9103", state: "unhealthy", inFlight: 0 },
        ],
      },
    ],
  });
  assert.deepEqual(
    [...parsePools(text, KEY)],
    [
      [9101, { state: "healthy", inFlight: 2 }],
      [9103, { state: "unhealthy", inFlight: 0 }],
    ],
  );
});

test("what it cannot read it leaves out", () => {
  for (const text of ["", "not json", "null", "[]", "{}", '{"pools":{}}', `{"pools":[{"key":"${KEY}"}]}`]) {
    assert.equal(parsePools(text, KEY).size, 0, text);
  }
  const odd = JSON.stringify({
    pools: [null, { key: KEY, endpoints: [null, 5, { key: 7 }, { state: "healthy" }] }],
  });
  assert.equal(parsePools(odd, KEY).size, 0);
});
