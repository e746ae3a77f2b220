/** ORCA in its forms, and what hostile values come to: nothing, quietly. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bytesOfBase64 } from "./base64.ts";
import { LOAD_HEADER, LOAD_HEADER_BINARY, LOAD_HEADER_JSON, parseLoadReport } from "./orca.ts";

function double(field: number, value: number): number[] {
  const bytes = new Uint8Array(9);
  bytes[0] = field * 8 + 1;
  new DataView(bytes.buffer).setFloat64(1, value, true);
  return [...bytes];
}

function entry(field: number, name: string, value: number): number[] {
  const inner = [10, name.length, ...Buffer.from(name), ...double(2, value)];
  return [field * 8 + 2, inner.length, ...inner];
}

const MESSAGE = [
  ...double(1, 0.3),
  ...double(2, 0.8),
  3 * 8,
  0xac,
  0x02,
  ...entry(4, "storage", 3487),
  ...entry(5, "disk", 0.25),
  ...double(7, 1),
  ...entry(8, "gpu", 0.5),
  ...entry(8, "kv_cache", 0.75),
  ...double(9, 1.5),
  // Fields of the future: a varint, a fixed32, a text.
  15 * 8,
  5,
  14 * 8 + 5,
  1,
  2,
  3,
  4,
  13 * 8 + 2,
  2,
  65,
  66,
];

test("binary: every field read, unknown ones skipped", () => {
  const base64 = Buffer.from(MESSAGE).toString("base64");
  const expected = {
    cpu: 0.3,
    memory: 0.8,
    requestsPerSec: 300,
    errorsPerSec: 1,
    disk: 0.25,
    gpu: 0.5,
    application: 1.5,
    named: { kv_cache: 0.75 },
  };
  assert.deepEqual(parseLoadReport(LOAD_HEADER_BINARY, base64), expected);
  assert.deepEqual(parseLoadReport(LOAD_HEADER_BINARY, base64.replaceAll("=", "")), expected);
  assert.deepEqual(parseLoadReport(LOAD_HEADER, `BIN ${base64}`), expected);
});

test("text: Envoy's example, the older colon, own signals", () => {
  assert.deepEqual(
    parseLoadReport(
      LOAD_HEADER,
      "TEXT cpu_utilization=0.3,mem_utilization=0.8,rps_fractional=10.0,eps=1,named_metrics.custom_metric_util=0.4",
    ),
    { cpu: 0.3, memory: 0.8, requestsPerSec: 10, errorsPerSec: 1, named: { custom_metric_util: 0.4 } },
  );
  assert.deepEqual(parseLoadReport(LOAD_HEADER, "cpu_utilization:0.3, named_metrics.rif:7"), {
    cpu: 0.3,
    inFlight: 7,
  });
  assert.deepEqual(
    parseLoadReport(
      LOAD_HEADER,
      "TEXT named_metrics.in_flight=3,named_metrics.latency_ms=2.5,utilization.network=0.1",
    ),
    { inFlight: 3, latencyMs: 2.5, network: 0.1 },
  );
});

test("JSON: both spellings, maps, costs passed over", () => {
  const text =
    '{"cpuUtilization": 0.3, "rps_fractional": "10", "utilization": {"disk": 0.2}, "namedMetrics": {"gpu": 0.9, "queue": 4}, "requestCost": {"cpu": 5}}';
  const expected = { cpu: 0.3, requestsPerSec: 10, disk: 0.2, gpu: 0.9, named: { queue: 4 } };
  assert.deepEqual(parseLoadReport(LOAD_HEADER, `JSON ${text}`), expected);
  assert.deepEqual(parseLoadReport(LOAD_HEADER_JSON, text), expected);
});

test("what is not a load is left out, and nothing usable is nothing", () => {
  for (const value of [
    "",
    "TEXT",
    "TEXT ,,,=,",
    "TEXT cpu_utilization",
    "TEXT cpu_utilization=",
    "TEXT cpu_utilization=-1",
    "TEXT cpu_utilization=NaN",
    "TEXT cpu_utilization=Infinity",
    "TEXT cpu_utilization=1e999",
    "TEXT =5",
    "JSON",
    "JSON {",
    "JSON [1]",
    "JSON null",
    'JSON {"cpu": {"a": {}}}',
    "BIN",
    "BIN !!!!",
    "BIN A",
    `BIN ${Buffer.from([9, 1, 2]).toString("base64")}`,
    `BIN ${Buffer.from([0x2a, 0xff, 0xff, 0xff, 0xff, 0x0f]).toString("base64")}`,
    `TEXT cpu_utilization=0.5,${"x".repeat(9000)}`,
  ]) {
    assert.equal(parseLoadReport(LOAD_HEADER, value), undefined, value.slice(0, 50));
  }
  const report = parseLoadReport(LOAD_HEADER, 'JSON {"__proto__": {"polluted": 1}, "constructor": 2}');
  assert.deepEqual(report, { named: { polluted: 1, constructor: 2 } });
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});

test("names are bounded", () => {
  const text = Array.from({ length: 500 }, (_, i) => `m${i}=1`).join(",");
  assert.equal(Object.keys(parseLoadReport(LOAD_HEADER, text)!.named!).length, 64);
});

test("no bytes and no text make it throw, and every number that comes out is sound", () => {
  const sound = (value: string, name: string): void => {
    const report = parseLoadReport(name, value);
    for (const [field, number] of Object.entries({ ...report, ...report?.named })) {
      if (field !== "named") assert.ok(Number.isFinite(number) && (number as number) >= 0, field);
    }
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.string(), (noise, text) => {
      sound(`BIN ${Buffer.from(noise).toString("base64")}`, LOAD_HEADER);
      sound(text, LOAD_HEADER_BINARY);
      sound(`TEXT ${text}`, LOAD_HEADER);
      sound(`JSON ${text}`, LOAD_HEADER);
    }),
    { seed: 4, numRuns: 500 },
  );
  // A sound message with bytes changed or cut reaches deeper than noise does.
  fc.assert(
    fc.property(fc.nat(MESSAGE.length), fc.nat(MESSAGE.length - 1), fc.nat(255), (cut, at, byte) => {
      const message = Buffer.from(MESSAGE.with(at, byte).slice(0, cut));
      sound(message.toString("base64"), LOAD_HEADER_BINARY);
    }),
    { seed: 5, numRuns: 2000 },
  );
});

test("base64 agrees with Node's, both alphabets, padded or not", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      for (const form of ["base64", "base64url"] as const) {
        const text = Buffer.from(bytes).toString(form);
        assert.deepEqual(bytesOfBase64(text), new Uint8Array(bytes));
      }
    }),
    { seed: 6, numRuns: 200 },
  );
  assert.equal(bytesOfBase64("A B="), undefined);
  assert.equal(bytesOfBase64("ÄÄÄÄ"), undefined);
});
