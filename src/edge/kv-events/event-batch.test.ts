/** Batches in every encoding, hashes in every form, and hostile bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pack, type Packable } from "../../../test/kit/message-pack.ts";
import type { CacheListener } from "./cache-events.ts";
import { EventBatchReader } from "./event-batch.ts";
import { Malformed, MessagePackCursor } from "./msgpack.ts";

interface Read {
  readonly told: object[];
  readonly isWhole: boolean;
  readonly passedOver: number;
}

const reader = new EventBatchReader();

function read(payload: Buffer): Read {
  const told: object[] = [];
  const before = reader.passedOver;
  const listener: CacheListener = {
    stored: (_key, { hashes, count, tokens, tokenCount, ...rest }) =>
      told.push({
        hashes: [...hashes.subarray(0, count)],
        tokens: [...tokens.subarray(0, tokenCount)],
        parent: rest.parent,
        blockTokens: rest.blockTokens,
        adapter: rest.adapter,
        medium: rest.medium,
        extras: rest.extras,
        group: rest.group,
        kind: rest.kind,
      }),
    removed: (_key, { hashes, count, medium, group }) =>
      told.push({ removed: [...hashes.subarray(0, count)], medium, group }),
    cleared: () => told.push({ cleared: true }),
    gap: () => told.push({ gap: true }),
  };
  const isWhole = reader.read("e", payload, listener);
  return { told, isWhole, passedOver: reader.passedOver - before };
}

const STORED = {
  hashes: [7, 8],
  tokens: [1, 2, 3, 4],
  parent: undefined,
  blockTokens: 2,
  adapter: "",
  medium: "",
  extras: undefined,
  group: 0,
  kind: "",
};

const batch = (...events: readonly Packable[]): Buffer => pack([1763600000.25, events]);
const map = (fields: Readonly<Record<string, Packable>>): Packable => new Map(Object.entries(fields));

test("arrays with few fields, as older engines send them", () => {
  assert.deepEqual(
    read(
      batch(
        ["BlockStored", [7, 8], null, [1, 2, 3, 4], 2, null],
        ["BlockRemoved", [9]],
        ["AllBlocksCleared"],
      ),
    ),
    {
      told: [STORED, { removed: [9], medium: "", group: 0 }, { cleared: true }],
      isWhole: true,
      passedOver: 0,
    },
  );
});

test("arrays with all fields, a rank, and fields of the future", () => {
  const payload = pack([
    1,
    [
      [
        "BlockStored",
        [7, 8],
        6,
        [1, 2, 3, 4],
        2,
        3,
        "GPU",
        "sql",
        [["sql", "salt"], null],
        1,
        "mla",
        512,
        "new",
      ],
      ["BlockRemoved", [9], "CPU", 1, "new"],
    ],
    3,
    map({ of: "the future" }),
  ]);
  assert.deepEqual(read(payload).told, [
    {
      ...STORED,
      parent: 6,
      adapter: "sql",
      medium: "GPU",
      extras: ["sql\u0000salt", ""],
      group: 1,
      kind: "mla",
    },
    { removed: [9], medium: "CPU", group: 1 },
  ]);
});

test("maps, at both levels, in any order", () => {
  const events: Packable = [
    map({
      token_ids: [1, 2, 3, 4],
      block_hashes: [7, 8],
      type: "BlockStored",
      block_size: 2,
      parent_block_hash: null,
      unheard_of: [map({ deep: [1, 2] })],
    }),
    map({ type: "BlockRemoved", block_hashes: [9], medium: "GPU" }),
    map({ type: "AllBlocksCleared" }),
  ];
  const told = [STORED, { removed: [9], medium: "GPU", group: 0 }, { cleared: true }];
  assert.deepEqual(read(pack(map({ ts: 1.5, events, data_parallel_rank: 0 }))).told, told);
  assert.deepEqual(read(pack([1.5, events, 0])).told, told);
});

test("a hash is the same in every form it comes in", () => {
  const hash = 0xfedc_ba98_7654_3210n;
  const expected = Number(hash & ((1n << 53n) - 1n));
  const digest = Buffer.alloc(32, 0xaa);
  digest.writeBigUInt64BE(hash, 24);
  const forms: Packable[] = [hash, BigInt.asIntN(64, hash), digest, digest.subarray(24)];
  for (const form of forms) {
    const { told } = read(batch(["BlockRemoved", [form]]));
    assert.deepEqual(told, [{ removed: [expected], medium: "", group: 0 }]);
  }
  for (const small of [-1, -32, -33, -40_000, -5_000_000_000]) {
    const same = Number(BigInt.asUintN(53, BigInt(small)));
    const eight = Buffer.alloc(8);
    eight.writeBigInt64BE(BigInt(small));
    for (const form of [small > -(2 ** 32) ? small : BigInt(small), eight]) {
      assert.deepEqual(read(batch(["BlockRemoved", [form]])).told, [
        { removed: [same], medium: "", group: 0 },
      ]);
    }
  }
});

test("bytes as another encoder writes them", () => {
  // msgpack-python 1.1: [1.5, [["BlockStored", [2**63+5, 300], -2, [70000, 1], 1, None, "GPU"]], 0]
  const payload = Buffer.from(
    "93cb3ff80000000000009197ab426c6f636b53746f72656492cf8000000000000005cd012cfe92ce000111700101c0a347505500",
    "hex",
  );
  assert.deepEqual(read(payload).told, [
    { ...STORED, hashes: [5, 300], parent: 2 ** 53 - 2, tokens: [70_000, 1], blockTokens: 1, medium: "GPU" },
  ]);
});

test("unknown and too large events are passed over, and the rest is read", () => {
  const many = Array.from({ length: 16_385 }, () => 1);
  const result = read(batch(["BlockMoved", [1], 2], ["BlockRemoved", many], ["BlockRemoved", [9]]));
  assert.deepEqual(result.told, [{ removed: [9], medium: "", group: 0 }]);
  assert.equal(result.passedOver, 2);
  assert.equal(result.isWhole, true);
});

test("what is malformed ends the batch, and what came before it counts", () => {
  const good: Packable = ["BlockRemoved", [9]];
  for (const bad of [
    ["BlockRemoved", "no list"],
    ["BlockRemoved", [null]],
    ["BlockRemoved", [1.5]],
    ["BlockStored", [1], null, [1], -1],
    ["BlockStored", [1], null, ["x"], 1],
    [],
    7,
    [9],
  ] as const) {
    const result = read(batch(good, bad, good));
    assert.deepEqual(result, {
      told: [{ removed: [9], medium: "", group: 0 }],
      isWhole: false,
      passedOver: 0,
    });
  }
  assert.equal(read(pack([1])).isWhole, false);
  assert.equal(read(pack(7)).isWhole, false);
  assert.equal(read(Buffer.alloc(0)).isWhole, false);
});

test("claims beyond what is there cost nothing", () => {
  for (const head of [
    [0xdd, 0xff, 0xff, 0xff, 0xff],
    [0x92, 1, 0xdd, 0xff, 0xff, 0xff, 0xff],
    [0x92, 0xdf, 0xff, 0xff, 0xff, 0xff],
    [0x92, 0xc6, 0xff, 0xff, 0xff, 0xff],
    [0x92, 0xc9, 0xff, 0xff, 0xff, 0xff, 1],
    [0x92, ...Array.from({ length: 100_000 }, () => 0x91), 1],
  ]) {
    assert.equal(read(Buffer.from(head)).isWhole, false);
  }
});

test("property: cut or changed, a batch is read or refused, never thrown at", () => {
  const whole = pack([
    1.5,
    [
      [
        "BlockStored",
        [2n ** 63n, Buffer.alloc(32, 7)],
        -7,
        [1, 300, 70_000, 5],
        2,
        null,
        "GPU",
        "sql",
        [["a"], null],
      ],
      map({ type: "BlockRemoved", block_hashes: [9], group_idx: 1 }),
    ],
    0,
  ]);
  for (let end = 0; end < whole.length; end++) assert.equal(read(whole.subarray(0, end)).isWhole, false);
  fc.assert(
    fc.property(
      fc.array(fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) }), { maxLength: 4 }),
      (changes) => {
        const bytes = Buffer.from(whole);
        for (const { at, byte } of changes) bytes[at] = byte;
        read(bytes);
      },
    ),
    { numRuns: 3_000, seed: 1 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      read(Buffer.from(bytes));
    }),
    { numRuns: 2_000, seed: 1 },
  );
});

test("the cursor passes over every kind of value", () => {
  const cursor = new MessagePackCursor();
  const values = [
    "c0",
    "c2",
    "c3",
    "00",
    "7f",
    "ff",
    "e0",
    "ccff",
    "cdffff",
    "ceffffffff",
    "cfffffffffffffffff",
    "d080",
    "d18000",
    "d280000000",
    "d38000000000000000",
    "ca3f800000",
    "cb3ff0000000000000",
    "a0",
    "a161",
    "d90161",
    "da000161",
    "db0000000161",
    "c40161",
    "c5000161",
    "c60000000161",
    "90",
    "9101",
    "dc000101",
    "dd0000000101",
    "80",
    "810102",
    "de00010102",
    "df000000010102",
    "d401ff",
    "d501ffff",
    "d601ffffffff",
    "d701ffffffffffffffff",
    `d801${"ff".repeat(16)}`,
    "c70101ff",
    "c8000101ff",
    "c90000000101ff",
  ];
  for (const value of values) {
    cursor.open(Buffer.from(`${value}2a`, "hex"));
    cursor.skip();
    assert.equal(cursor.number(), 42, value);
    cursor.open(Buffer.from(value, "hex").subarray(0, -1));
    assert.throws(() => cursor.skip(), Malformed, value);
  }
});
