/**
 * What following cache events costs, without sockets: processor time of reading and translating, and memory per block known.
 *
 * `node --expose-gc bench/cache-events.ts [engines=100] [blocks per engine=5000]`
 *
 * Each batch stores a prompt of 1 024 tokens in 64 blocks of 16 (one event, as a prefill does); a tenth of the prompts is tied.
 */
import { EngineBlocks } from "../src/core/inference/engine-blocks/engine-blocks.ts";
import { feedListener } from "../src/edge/kv-events/cache-feed.ts";
import { EventBatchReader } from "../src/edge/kv-events/event-batch.ts";
import { pack } from "../test/kit/message-pack.ts";

const [engines, blocksPerEngine] = [Number(process.argv[2] ?? 100), Number(process.argv[3] ?? 5_000)];
const BLOCKS = 64;
const TOKENS = BLOCKS * 16;

function payloadOf(prompt: number): { readonly payload: Buffer; readonly tokens: number[] } {
  const tokens = Array.from({ length: TOKENS }, (_, i) => (prompt * 7919 + i * 104_729) % 150_000);
  const hashes = Array.from({ length: BLOCKS }, (_, i) =>
    BigInt.asUintN(64, BigInt(prompt * BLOCKS + i) * 0x9e3779b97f4a7c15n),
  );
  return { payload: pack([1.5, [["BlockStored", hashes, null, tokens, 16, null, "GPU", null]], 0]), tokens };
}

let told = 0;
const blocks = new EngineBlocks(
  { cacheStored: (_slot, { count }) => (told += count), cacheRemoved: () => {}, cacheCleared: () => {} },
  { blocksMax: 1 << 23, tiesMax: 1 << 20 },
);
const listener = feedListener({ blocks, slotOf: Number }, () => 0);
const reader = new EventBatchReader();
const prompts = Array.from({ length: Math.ceil(blocksPerEngine / BLOCKS) }, (_, i) => payloadOf(i));
for (const [i, { tokens }] of prompts.entries()) {
  if (i % 10 !== 0) continue;
  const hashes = Float64Array.from({ length: 16 }, (_, k) => 1e12 + i * 16 + k);
  const prompt = { hashes, count: 16, blockBytes: 256, bytes: 4096, tokens: Int32Array.from(tokens) };
  blocks.tie({ ...prompt, adapter: "", cacheSalt: "" }, 0);
}
globalThis.gc?.();
const before = process.memoryUsage().heapUsed;
const startedCpu = process.cpuUsage();
for (let engine = 0; engine < engines; engine++) {
  for (const { payload } of prompts) reader.read(String(engine), payload, listener);
}
const spentCpu = process.cpuUsage(startedCpu);
const spentMs = (spentCpu.user + spentCpu.system) / 1000;
globalThis.gc?.();
const bytes = process.memoryUsage().heapUsed - before;
const batches = engines * prompts.length;
console.log(
  `${batches} batches of ${prompts[0]!.payload.length} bytes, ${blocks.size} blocks known, ${told} byte blocks told: ` +
    `${((spentMs * 1000) / batches).toFixed(1)} us a batch, ${((spentMs * 1000) / blocks.size).toFixed(2)} us a block, ` +
    `${(bytes / blocks.size).toFixed(0)} bytes a block`,
);
