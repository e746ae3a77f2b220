/**
 * Simulated model servers behind Envoy and the picker: answers end as they must, and what the picker learns of prompts shows in where
 * the next ones go.
 *
 * The servers are `src/cli/model-server`, engines in real time behind vLLM's interface, as a process of their own.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { within } from "../kit/wait.ts";
import { chat } from "./chat-client.ts";
import { NO_ENVOY, startEnvoy } from "./envoy.ts";
import { startPicker } from "./picker.ts";
import { endProgram } from "./programs.ts";

const PROGRAM = join(import.meta.dirname, "../../src/cli/model-server/main.ts");
const SKIP = existsSync(PROGRAM) ? NO_ENVOY : "there is no src/cli/model-server here";
const SERVERS = 3;
const CONVERSATIONS = 6;
const TURNS = 4;
/** Of 18 turns after the first. By chance 6 stay, and 13 one time in a thousand; load may move one early on. */
const STAYS_MIN = 13;
const WORDS =
  "the load of a ship is known by a line that is painted on its side and seen by all who care to look ";

test(
  "conversations stay where their prompts are, and every answer comes to its end",
  { skip: SKIP },
  async (t) => {
    const words = [
      "--port",
      Array(SERVERS).fill("0").join(","),
      "--model",
      "chat",
      "--speed",
      "20",
      "--answer-mean",
      "40",
    ];
    const servers = spawn(process.execPath, [PROGRAM, ...words], { stdio: ["pipe", "pipe", "inherit"] });
    t.after(() => endProgram(servers));
    const [line] = (await within(once(servers.stdout, "data"), "the model servers", 20_000)) as [Buffer];
    const { servers: listening } = JSON.parse(line.toString()) as {
      readonly servers: readonly { readonly port: number }[];
    };
    await using picker = await startPicker({ ports: listening.map(({ port }) => port) });
    await using envoy = await startEnvoy({ pickerPort: picker.port });

    const places = await Promise.all(
      Array.from({ length: CONVERSATIONS }, async (_, index) => {
        let content = `Conversation ${index}, of its own from the first word on. ${WORDS.repeat(60)}`;
        const upstreams: string[] = [];
        for (let turn = 0; turn < TURNS; turn += 1) {
          const body = { model: "chat", stream: true, max_tokens: 40, messages: [{ role: "user", content }] };
          const answer = await chat(envoy.port, { body: JSON.stringify(body), limitMs: 30_000 });
          const text = answer.body.toString("utf8");
          assert.equal(answer.status, 200, text);
          assert.equal(answer.whole, true);
          assert.match(text, /^data: \{/);
          assert.ok(text.endsWith("data: [DONE]\n\n"), text.slice(-200));
          upstreams.push((await envoy.record(answer.id)).upstream ?? "");
          content += ` Turn ${turn}: ${WORDS.repeat(5)}`;
        }
        return upstreams;
      }),
    );
    const stays = places.flatMap((upstreams) =>
      upstreams.slice(1).map((upstream, turn) => upstream === upstreams[turn]),
    );
    const stayed = stays.filter(Boolean).length;
    assert.ok(stayed >= STAYS_MIN, `${stayed} of ${stays.length} turns stayed: ${JSON.stringify(places)}`);
    assert.ok(new Set(places.flat()).size > 1, "more than one server has a part");
  },
);
