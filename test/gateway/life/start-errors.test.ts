/**
 * Starts that cannot succeed: each ends by itself, with an exit code and a text that says what to mend.
 *
 * The command is run as a process where the arguments matter, and as a function where only the manifests do.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, mock, test } from "node:test";
import { serve } from "../../../src/cli/serve.ts";
import { DEFAULT_CLIENT_LIMITS } from "../../../src/edge/http/limits.ts";
import { manifestText } from "../../kit/gateway.ts";
import { quietPort, runToEnd } from "./process.ts";

const scratch = mkdtempSync(join(tmpdir(), "plimsoll-start-"));
after(() => rmSync(scratch, { recursive: true }));

const setup = { pools: { web: [{ host: "127.0.0.1", port: 9 }] } };

function write(name: string, text: string): string {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
}

async function takenPort(): Promise<{ readonly port: number; [Symbol.dispose](): void }> {
  const server = createServer().listen(0);
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => void server.close() };
}

async function commandFails(args: readonly string[], code: number, says: RegExp): Promise<void> {
  const result = await runToEnd(args);
  assert.equal(result.code, code, result.stderr);
  assert.match(result.stderr, says);
  assert.doesNotMatch(result.stderr, /\n {4}at /, "a stack trace is for defects");
}

/** The same without a process of its own; one at a time, for what it says is caught on its way to standard error. */
async function serveFails(path: string, says: RegExp, adminPort = 0): Promise<void> {
  const stderr = mock.method(process.stderr, "write", () => true);
  try {
    const code = await serve({
      paths: [path],
      admin: { host: "127.0.0.1", port: adminPort },
      accessLog: "off",
      logLevel: "silent",
      limits: DEFAULT_CLIENT_LIMITS,
      seed: 1,
    });
    assert.equal(code, 1);
    assert.match(stderr.mock.calls.map(({ arguments: [text] }) => String(text)).join(""), says);
  } finally {
    stderr.mock.restore();
  }
}

describe("a start that cannot succeed", () => {
  test("no command, no file, a bad option: wrong usage", async () => {
    await commandFails([], 2, /Usage: plimsoll[^]*serve/);
    await commandFails(["serve"], 2, /--file/);
    await commandFails(["serve", "-f", "x.yaml", "--drain-timeout", "soon"], 2, /duration/);
    await commandFails(["serve", "-f", "x.yaml", "--admin", "nowhere"], 2, /HOST:PORT/);
    await commandFails(["serve", "-f", "x.yaml", "--ext-proc-key", "k.pem"], 2, /needs --ext-proc/);
    await commandFails(["verify-picker", "nowhere"], 2, /Expected HOST:PORT such as 127\.0\.0\.1:9002/);
  });

  test("a missing file", () =>
    commandFails(["serve", "-f", join(scratch, "none.yaml"), "--admin", "off"], 1, /none\.yaml.*ENOENT/));

  test("an access log that cannot be written", async () => {
    const path = join(scratch, "no-such-folder/access.log");
    await commandFails(
      ["serve", "-f", "x.yaml", "--access-log", path],
      1,
      /access log.*ENOENT.*no-such-folder/,
    );
  });

  test("a folder without manifests, manifests without a listener", async () => {
    mkdirSync(join(scratch, "empty"));
    await serveFails(join(scratch, "empty"), /empty.*no \*\.yaml[^]*no listener/);
    await serveFails(write("comment.yaml", "# to be written\n"), /no listener is left to serve/);
  });

  test("bad YAML is told with file, line and column", () =>
    serveFails(write("bad.yaml", "kind: Gateway\nmetadata: {name: [}\n"), /bad\.yaml:2:\d+/));

  test("a listener's port that is taken", async () => {
    using taken = await takenPort();
    const path = write("taken.yaml", manifestText(setup, taken.port));
    await serveFails(path, new RegExp(`port ${taken.port}.*EADDRINUSE`));
  });

  test("an admin port that is taken", async () => {
    using taken = await takenPort();
    const path = write("good.yaml", manifestText(setup, await quietPort()));
    await serveFails(path, new RegExp(`admin.*${taken.port}.*EADDRINUSE`), taken.port);
  });
});
