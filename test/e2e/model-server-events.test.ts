/**
 * The model server's cache events as libzmq takes them, by pyzmq: what is published live, and what is replayed.
 *
 * Needs a Python with pyzmq and msgpack (programs.ts says where it is looked for). Without one it is skipped, and says so.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { DEFAULT_CACHE_EVENTS } from "../../src/cli/model-server/options.ts";
import { ask, MODEL, modelServer, textOf } from "../kit/model-server.ts";
import { waitUntil } from "../kit/wait.ts";
import { zmqPython } from "./programs.ts";

const found = zmqPython();
const python = found ?? "python3";
const script = path.join(import.meta.dirname, "event-subscriber.py");

interface Batch {
  readonly kind: "live" | "replay";
  readonly topic: string;
  readonly number: number;
  readonly events: readonly {
    readonly type: string;
    readonly block_hashes: readonly number[];
    readonly parent_block_hash: number | null;
    readonly token_ids: readonly number[];
    readonly lora_name: string | null;
  }[];
}

test(
  "libzmq hears of every block, live and replayed",
  { skip: found === undefined ? "no Python with zmq and msgpack" : false },
  async (t) => {
    const server = await modelServer(t, {
      adapters: ["sql"],
      cacheEvents: { ...DEFAULT_CACHE_EVENTS, topic: "kv@e@m" },
    });
    const complete = async (model: string, seed: number): Promise<readonly number[]> => {
      const body = { model, prompt: textOf(160, seed), max_tokens: 1 };
      await ask(server, "/v1/completions", body);
      return (await ask(server, "/tokenize", body)).json.tokens as number[];
    };
    const before = await complete(MODEL, 1);
    const { publish, replay } = server.cachePorts!;
    const subscriber = spawn(python, [script, String(publish), String(replay), "1"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => subscriber.kill());
    let output = "";
    subscriber.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    // A subscription takes effect some time after it was asked for; until then batches pass it by, as with any publisher.
    let after: readonly number[] = [];
    let seed = 2;
    await waitUntil(
      async () => {
        if (!output.includes("ready")) return false;
        if (!output.includes('"live"')) after = await complete("sql", seed++);
        return output.includes("end");
      },
      () => `the replay's end, but: ${output}`,
    );
    const batches = output
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Batch);
    const live = batches.find(({ kind }) => kind === "live")!;
    assert.equal(live.topic, "kv@e@m");
    assert.equal(live.events[0]!.lora_name, "sql");
    const replayed = batches.filter(({ kind }) => kind === "replay");
    assert.deepEqual(
      replayed.map(({ number }) => number),
      replayed.map((_, index) => index),
    );
    const [first] = replayed[0]!.events;
    assert.equal(first!.type, "BlockStored");
    assert.equal(first!.parent_block_hash, null);
    assert.equal(first!.block_hashes.length, 10);
    assert.deepEqual(first!.token_ids, before.slice(0, 160));
    assert.deepEqual(replayed[live.number]!.events, live.events);
    assert.equal(after.length, 161);
  },
);
