/**
 * The access log's destination fails in every way it can; traffic never waits for it, and what is lost is counted.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { answer } from "../../kit/behaviours.ts";
import { startEndpoint } from "../../kit/endpoint.ts";
import { startGateway } from "../../kit/gateway.ts";
import { rawClient } from "../../kit/raw-client.ts";
import { waitUntil } from "../../kit/wait.ts";
import { metric } from "./admin-pages.ts";
import { startProcess } from "./process.ts";

const DROPPED = "plimsoll_access_log_dropped_total";

const scratch = mkdtempSync(join(tmpdir(), "plimsoll-log-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** Sends requests one after another over one connection; each must be answered. */
async function requests(port: number, count: number, path: string): Promise<void> {
  using client = await rawClient(port);
  for (let i = 0; i < count; i++) {
    await client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal((await client.readResponse()).text, "ok");
  }
}

/** A pipe whose reading end is the command's standard input; `fd`, its writing end, is to be closed by the caller. */
function pipeTo(
  name: string,
  command: string,
  args: readonly string[],
): { readonly fd: number; readonly reader: ChildProcess; readonly output: string } {
  const path = join(scratch, name);
  execFileSync("mkfifo", [path]);
  // Read and write at once does not wait for the other side (Linux).
  const both = openSync(path, "r+");
  const input = openSync(path, "r");
  const fd = openSync(path, "w");
  const output = `${path}.out`;
  const sink = openSync(output, "w");
  const reader = spawn(command, args, { stdio: [input, sink, "inherit"] });
  for (const each of [both, input, sink]) closeSync(each);
  return { fd, reader, output };
}

const lines = (path: string): readonly string[] => readFileSync(path, "utf8").split("\n").slice(0, -1);

describe("the access log", { concurrency: true }, () => {
  test("a file gets one line a request, and all of them by the end", async () => {
    await using endpoint = await startEndpoint(answer("ok"));
    await using gateway = await startGateway({ pools: { web: [endpoint] } });
    await requests(gateway.port, 50, "/seen");
    await gateway.running.stop();
    const records = await gateway.records(50);
    assert.equal(records.length, 50);
    assert.ok(records.every((record) => record.path === "/seen" && record.status === 200));
  });

  test("a full disk drops and counts, and does not flood the log with the same complaint", async () => {
    await using endpoint = await startEndpoint(answer("ok"));
    const args = ["--access-log", "/dev/full"];
    await using plimsoll = await startProcess({ pools: { web: [endpoint] } }, { args });
    for (let round = 1; round <= 4; round++) {
      await requests(plimsoll.port, 25, "/");
      await waitUntil(
        async () => (await metric(plimsoll.adminPort, DROPPED)) === round * 25,
        "drops counted",
      );
    }
    const complaints = plimsoll.log().filter(({ msg }) => msg === "access log lines could not be written");
    assert.match(JSON.stringify(complaints), /ENOSPC/);
    assert.equal(complaints.length, 1);
    plimsoll.signal("SIGTERM");
    assert.equal((await plimsoll.exit()).code, 0);
  });

  test("a pipe that is closed (| head -1) drops and counts", async () => {
    await using endpoint = await startEndpoint(answer("ok"));
    const { fd, reader, output } = pipeTo("head", "head", ["-1"]);
    try {
      await using plimsoll = await startProcess({ pools: { web: [endpoint] } }, { stdout: fd });
      closeSync(fd);
      await requests(plimsoll.port, 1, "/first");
      await waitUntil(() => reader.exitCode !== null, "head to end");
      assert.match(readFileSync(output, "utf8"), /"path":"\/first"/);
      await requests(plimsoll.port, 30, "/more");
      await waitUntil(async () => (await metric(plimsoll.adminPort, DROPPED)) === 30, "drops counted");
      plimsoll.signal("SIGTERM");
      assert.equal((await plimsoll.exit()).code, 0);
    } finally {
      reader.kill("SIGKILL");
    }
  });

  test("a reader that stops costs lines beyond a bound, no memory and no traffic; it may come back", async () => {
    await using endpoint = await startEndpoint(answer("ok"));
    const { fd, reader, output } = pipeTo("stopped", "cat", []);
    reader.kill("SIGSTOP");
    try {
      await using plimsoll = await startProcess({ pools: { web: [endpoint] } }, { stdout: fd });
      closeSync(fd);
      await requests(plimsoll.port, 20, "/before");
      const rssBefore = plimsoll.rssBytes();
      const long = `/${"x".repeat(50_000)}`;
      await requests(plimsoll.port, 300, long);
      const dropped = await metric(plimsoll.adminPort, DROPPED);
      assert.ok(dropped > 50 && dropped < 250, `${dropped} of 15 MB of lines dropped at a bound of 8 MiB`);
      const grownMb = (plimsoll.rssBytes() - rssBefore) / 1e6;
      assert.ok(grownMb < 120, `${grownMb} MB more`);
      reader.kill("SIGCONT");
      await waitUntil(() => lines(output).length >= 320 - dropped, "the lines that were kept");
      await requests(plimsoll.port, 5, "/after");
      await waitUntil(
        () => lines(output).filter((line) => line.includes('"/after"')).length === 5,
        "new lines",
      );
      assert.equal(await metric(plimsoll.adminPort, DROPPED), dropped);
      for (const line of lines(output)) JSON.parse(line);

      reader.kill("SIGSTOP");
      await requests(plimsoll.port, 30, long);
      plimsoll.signal("SIGTERM");
      assert.equal((await plimsoll.exit()).code, 0, "a reader that has stopped does not keep it from ending");
    } finally {
      reader.kill("SIGKILL");
    }
  });

  test("a reader that keeps up gets every line, also those of the last moment", async () => {
    await using endpoint = await startEndpoint(answer("ok"));
    const { fd, reader, output } = pipeTo("kept-up", "cat", []);
    try {
      await using plimsoll = await startProcess({ pools: { web: [endpoint] } }, { stdout: fd });
      closeSync(fd);
      await requests(plimsoll.port, 100, `/${"x".repeat(50_000)}`);
      plimsoll.signal("SIGTERM");
      assert.equal((await plimsoll.exit()).code, 0);
      await waitUntil(() => reader.exitCode !== null, "cat to end");
      assert.equal(lines(output).length, 100);
      for (const line of lines(output)) JSON.parse(line);
    } finally {
      reader.kill("SIGKILL");
    }
  });
});
