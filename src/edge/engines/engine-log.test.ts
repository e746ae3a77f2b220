/** One line when an engine's signals stay away, one when they are back, none for a hiccup. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { EngineLog } from "./engine-log.ts";
import type { Member } from "./followed-pool.ts";

function listen(): { readonly log: EngineLog; readonly told: string[] } {
  const told: string[] = [];
  const write = (line: string): void => {
    const { msg, endpoint, fault } = JSON.parse(line) as Readonly<Record<string, string>>;
    told.push(`${endpoint}: ${msg}${fault === undefined ? "" : ` (${fault})`}`);
  };
  return { log: new EngineLog(pino({ level: "info", base: null }, { write })), told };
}

const member = (key: string): Member =>
  ({ name: `n ${key}`, endpoint: { key }, followed: { pool: { key: "p" } } }) as unknown as Member;
const a = member("a");
const b = member("b");

test("scrapes that fail are told at the third in a row, and once", () => {
  const { log, told } = listen();
  log.scrapeFailed(a, "timeout", 1);
  log.scrapeFailed(a, "timeout", 2);
  log.scraped(a);
  assert.deepEqual(told, []);
  for (let failures = 1; failures < 20; failures++) log.scrapeFailed(a, "status 500", failures);
  log.scrapeFailed(b, "timeout", 3);
  log.scraped(a);
  log.scraped(a);
  assert.deepEqual(told, [
    "a: engine's metrics cannot be read (status 500)",
    "b: engine's metrics cannot be read (timeout)",
    "a: engine's metrics are read again",
  ]);
  log.scrapeFailed(a, "timeout", 3);
  assert.equal(told.length, 4, "a change of state again");
});

test("cache events that do not come are told after two seconds, and once", () => {
  const { log, told } = listen();
  log.cacheEvents(a, "not connected yet", 0);
  log.cacheEvents(a, undefined, 1_000);
  log.cacheEvents(a, "ECONNREFUSED", 2_000);
  log.cacheEvents(a, "ECONNREFUSED", 3_999);
  assert.deepEqual(told, []);
  for (let nowMs = 4_000; nowMs < 20_000; nowMs += 1_000) log.cacheEvents(a, "ECONNREFUSED", nowMs);
  log.cacheEvents(a, undefined, 20_000);
  log.cacheEvents(a, undefined, 21_000);
  assert.deepEqual(told, [
    "a: engine's cache events do not come (ECONNREFUSED)",
    "a: engine's cache events come again",
  ]);
});

test("one that is not followed any more is forgotten, and tells nothing when it comes back", () => {
  const { log, told } = listen();
  log.scrapeFailed(a, "timeout", 3);
  log.cacheEvents(a, "closed", 0);
  log.cacheEvents(a, "closed", 5_000);
  log.retain(new Set([b.name]));
  log.scraped(a);
  log.cacheEvents(a, undefined, 6_000);
  assert.equal(told.length, 2);
});
