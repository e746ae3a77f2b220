/**
 * wrk: 200 connections, plain and pipelined. Not a measurement (that is bench/gateway) but a proof that nothing breaks.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { metric } from "../gateway/life/admin-pages.ts";
import { startProcess } from "../gateway/life/process.ts";
import { findProgram, runProgram, skipWithout } from "./programs.ts";

const WRK = findProgram("wrk");
const skip = skipWithout(WRK, "wrk");

/** Eight requests in one write, and a last word that says how many errors of each kind there were. */
const SCRIPT = `
init = function(args)
  local requests = {}
  for i = 1, DEPTH do requests[i] = wrk.format(nil, "/" .. i) end
  all = table.concat(requests)
end
request = function() return all end
done = function(summary)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d\\n",
    summary.requests, e.connect, e.read, e.write, e.timeout, e.status))
end
`;

for (const depth of [1, 8]) {
  test(`200 connections for 3 s, ${depth} requests at a time: no error of any kind`, { skip }, async (t) => {
    const origin = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
    }).listen(0, "127.0.0.1");
    await once(origin, "listening");
    const folder = mkdtempSync(join(tmpdir(), "plimsoll-wrk-"));
    try {
      const { port } = origin.address() as AddressInfo;
      const pools = { web: [{ host: "127.0.0.1", port }] };
      await using plimsoll = await startProcess({ pools }, { args: ["--access-log", "off"] });
      const script = join(folder, "pipeline.lua");
      writeFileSync(script, SCRIPT.replace("DEPTH", String(depth)));
      const url = `http://127.0.0.1:${plimsoll.port}/`;
      const args = ["-t", "1", "-c", "200", "-d", "3s", "--timeout", "5s", "-s", script, url];
      const { code, stdout, stderr } = await runProgram(WRK!, args, { limitMs: 30_000 });
      assert.equal(code, 0, stderr);
      const [, requests = 0, ...errors] = (/RESULT (.*)/.exec(stdout)?.[0] ?? "").split(" ").map(Number);
      t.diagnostic(`${requests} requests in 3 s with wrk, origin and gateway on one machine`);
      assert.ok(requests > 1_000, stdout);
      assert.deepEqual(errors, [0, 0, 0, 0, 0], "connect, read, write, timeout, status other than 2xx");
      assert.equal(await metric(plimsoll.adminPort, "plimsoll_defects_total"), 0);
    } finally {
      rmSync(folder, { recursive: true });
      origin.close();
    }
  });
}
