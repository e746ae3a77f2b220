/** Metrics pages: what is picked, however the bytes are cut, and what hostile pages come to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ExpositionReader, LINE_BYTES_MAX, SAMPLES_MAX } from "./exposition.ts";
import { NOT_WANTED, UNDECIDED, WantedNames } from "./exposition-names.ts";

const WANTED = new WantedNames(["a:num", "a:num_more", "b_total", "info"]);

interface Seen {
  readonly samples: string[];
  readonly malformed: number;
}

/** The page in pieces of the lengths given, the last as long as it needs to be. */
function read(page: string | Buffer, cuts: readonly number[] = [], label = "x"): Seen {
  const bytes = Buffer.from(page);
  const samples: string[] = [];
  const reader = new ExpositionReader(WANTED, {
    sample: (name, value, labels) =>
      samples.push(`${WANTED.names[name]} ${JSON.stringify(labels.get(label))} ${value}`),
  });
  // What was read before must leave no trace.
  reader.begin();
  reader.feed(Buffer.from('a:num{x="never ended'), 0, 20);
  reader.begin();
  samples.length = 0;
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    const end = Math.min(bytes.length, at + cut);
    // Among other bytes, as in a buffer that is shared.
    const shared = Buffer.concat([
      Buffer.from("a:num 666\n"),
      bytes.subarray(at, end),
      Buffer.from("\na:num 667\n"),
    ]);
    reader.feed(shared, 10, 10 + end - at);
    at = end;
  }
  reader.finish();
  return { samples, malformed: reader.malformed };
}

const PAGE = [
  "# HELP a:num A number. a:num 7",
  "# TYPE a:num gauge",
  'a:num{x="1",y="2"} 3.5',
  "a:num_more 4 1763600000000",
  "a:numb 5",
  "a:nu 6",
  'b_total{ y = "a,b}c" , x = "say \\"hi\\"\\\\\\n" , } 1e+06 # {trace_id="b_total 1"} 0.5 1763600000.1',
  "",
  'other_bucket{x="1",le="+Inf"} 9',
  'info{x="gr\u00fc\u00df"} NaN',
  "a:num\t+Inf",
  "a:num -Inf",
  "a:num -0.25\r",
  "# EOF",
].join("\n");

const EXPECTED = [
  'a:num "1" 3.5',
  "a:num_more undefined 4",
  'b_total "say \\"hi\\"\\\\\\n" 1000000',
  'info "gr\u00fc\u00df" NaN',
  "a:num undefined Infinity",
  "a:num undefined -Infinity",
  "a:num undefined -0.25",
];

test("the wanted series are read, in both formats, with their labels", () => {
  assert.deepEqual(read(PAGE), { samples: EXPECTED, malformed: 0 });
  assert.deepEqual(read(`${PAGE}\n`), { samples: EXPECTED, malformed: 0 });
});

test("cut at every byte, and into single bytes, it is the same page", () => {
  const bytes = Buffer.from(PAGE);
  for (let cut = 0; cut <= bytes.length; cut++) {
    assert.deepEqual(read(PAGE, [cut]), { samples: EXPECTED, malformed: 0 }, `cut at ${cut}`);
  }
  const single = Array.from(bytes, () => 1);
  assert.deepEqual(read(PAGE, single), { samples: EXPECTED, malformed: 0 });
});

for (const bad of [
  "a:num",
  "a:num ",
  "a:num x",
  "a:num 0x10",
  "a:num 1_000",
  "a:num{",
  "a:num{x}",
  'a:num{x="1" 5',
  'a:num{x="1"y="2"} 5',
  'a:num{="1"} 5',
  'a:num{x="1} 5',
  'a:num{x="1\\"} 5',
  "a:num{} ",
  `a:num ${"1".repeat(41)}`,
  `a:num{${'x="1",'.repeat(65)}} 5`,
]) {
  test(`malformed, counted and passed over: ${bad.slice(0, 40)}`, () => {
    assert.deepEqual(read(`${bad}\na:num 1\n`), { samples: ["a:num undefined 1"], malformed: 1 });
  });
}

test("long lines and many samples are bounded", () => {
  const long = `a:num{x="${"y".repeat(LINE_BYTES_MAX)}"} 1`;
  for (const cuts of [[], [100], [LINE_BYTES_MAX], Array.from({ length: 200 }, () => 100)]) {
    assert.deepEqual(read(`${long}\na:num 2\n`, cuts), { samples: ["a:num undefined 2"], malformed: 1 });
  }
  const unwanted = `z${"y".repeat(3 * LINE_BYTES_MAX)}`;
  assert.deepEqual(read(`${unwanted}\na:num 2`, [5, 100_000]), {
    samples: ["a:num undefined 2"],
    malformed: 0,
  });
  const many = read("a:num 1\n".repeat(SAMPLES_MAX + 10));
  assert.equal(many.samples.length, SAMPLES_MAX);
  assert.equal(many.malformed, 10);
});

test("names are found whole, or undecided at the end of what has come", () => {
  const find = (text: string): number => WANTED.find(Buffer.from(text), 0, text.length);
  assert.equal(find("a:num "), 0);
  assert.equal(find("a:num_more{"), 1);
  assert.equal(find("a:nums "), NOT_WANTED);
  assert.equal(find("a:num"), UNDECIDED);
  assert.equal(find(""), UNDECIDED);
  assert.equal(find("b"), UNDECIDED);
  assert.equal(find("c"), NOT_WANTED);
  assert.throws(() => new WantedNames(["x", "x"]), /twice/);
  assert.throws(() => new WantedNames(["x{"]), /not a metric name/);
});

test("property: any bytes, however cut, are read without a throw and all ways alike", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "a:num",
      "b_total",
      "info",
      "{",
      "}",
      '"',
      ",",
      "=",
      "x",
      "\\",
      " ",
      "\n",
      "1",
      "-",
      "NaN",
      "#",
    ),
    fc.constantFrom('a:num{x="1"} 2\n', "a:num_more 3\n", "# TYPE a:num gauge\n"),
    fc.string({ unit: "binary", maxLength: 4 }),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 60 }),
      fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 30 }),
      (pieces, cuts) => {
        const page = pieces.join("");
        assert.deepEqual(read(page, cuts), read(page));
      },
    ),
    { numRuns: 500, seed: 1 },
  );
});
