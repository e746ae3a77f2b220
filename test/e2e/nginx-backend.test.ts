/**
 * nginx as the endpoint: its files, ranges, conditional requests and errors through the gateway, and its own end.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startLoad } from "../kit/load.ts";
import { exchangeOnce, rawClient } from "../kit/raw-client.ts";
import { waitUntil } from "../kit/wait.ts";
import { quietPort, startProcess } from "../gateway/life/process.ts";
import { endProgram, findProgram, skipWithout } from "./programs.ts";

const NGINX = findProgram("nginx");

/** `/load/ID` answers as the kit's load client expects. */
function configText(folder: string, port: number): string {
  return `
daemon off; master_process on; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 256; }
http {
  access_log off; keepalive_requests 40;
  client_body_temp_path ${folder}/tmp/body; proxy_temp_path ${folder}/tmp/proxy;
  fastcgi_temp_path ${folder}/tmp/fastcgi; uwsgi_temp_path ${folder}/tmp/uwsgi; scgi_temp_path ${folder}/tmp/scgi;
  server {
    listen 127.0.0.1:${port};
    root ${folder}/www;
    location /load/ { add_header X-Load-Id $http_x_load_id; default_type text/plain; return 200 $http_x_load_id; }
  }
}`;
}

test(
  "files, ranges, conditions, errors, keep-alive limits, and a graceful end",
  {
    skip: skipWithout(NGINX, "nginx"),
  },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "plimsoll-nginx-"));
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, "www"));
    mkdirSync(join(folder, "tmp"));
    const file = Buffer.alloc(2_000_000, "0123456789");
    writeFileSync(join(folder, "www/file.txt"), file);
    const port = await quietPort();
    writeFileSync(join(folder, "nginx.conf"), configText(folder, port));
    const args = ["-c", join(folder, "nginx.conf"), "-p", folder, "-e", join(folder, "error.log")];
    const nginx = spawn(NGINX!, args, { stdio: "inherit" });
    try {
      await waitUntil(
        () =>
          rawClient(port).then(
            (client) => (client.close(), true),
            () => false,
          ),
        "nginx to listen",
      );
      await using plimsoll = await startProcess({ pools: { web: [{ host: "127.0.0.1", port }] } });
      const ask = (request: string): ReturnType<typeof exchangeOnce> => exchangeOnce(plimsoll.port, request);

      const whole = await ask("GET /file.txt HTTP/1.1\r\nHost: a\r\n\r\n");
      assert.equal(whole.status, 200);
      assert.ok(whole.body.equals(file));
      const part = await ask("GET /file.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=10-19\r\n\r\n");
      assert.deepEqual([part.status, part.text], [206, "0123456789"]);
      const same = `GET /file.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: ${whole.header("etag")}\r\n\r\n`;
      assert.equal((await ask(same)).status, 304);
      assert.equal((await ask("GET /none HTTP/1.1\r\nHost: a\r\n\r\n")).status, 404);
      assert.equal(
        (await ask("POST /file.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")).status,
        405,
      );

      // Each connection is closed by nginx after 40 requests; the second half also lives through its reload.
      await using load = startLoad({ port: plimsoll.port, connections: 8 });
      await load.answers(800);
      nginx.kill("SIGHUP");
      await load.answers(800);
      const { refused, lost, wrong } = await load.stop();
      assert.deepEqual([refused, lost, wrong], [[], [], []]);
    } finally {
      await endProgram(nginx, "SIGQUIT");
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
