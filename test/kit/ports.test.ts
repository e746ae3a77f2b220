/**
 * The ports on which nobody answers do not answer, each in its way.
 */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { refusingPort, silentPort } from "./ports.ts";

function attempt(port: number, limitMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const finish = (how: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(how);
    };
    const timer = setTimeout(() => finish("silence"), limitMs);
    socket.on("connect", () => finish("connected"));
    socket.on("error", (error) => finish((error as NodeJS.ErrnoException).code ?? error.message));
  });
}

test("refusingPort refuses", async () => {
  assert.equal(await attempt(await refusingPort(), 2_000), "ECONNREFUSED");
});

test("silentPort neither accepts nor refuses", { skip: process.platform !== "linux" }, async () => {
  await using silent = await silentPort();
  assert.equal(await attempt(silent.port, 300), "silence");
});
