/**
 * A page in headless Chromium whose every byte comes through the gateway: document, fetch, EventSource, WebSocket.
 *
 * Driven by the DevTools protocol over Node's own WebSocket. The page writes what it found into its DOM.
 */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { waitUntil, within } from "../kit/wait.ts";
import { startProcess } from "../gateway/life/process.ts";
import { startNodeBackend } from "./node-backend.ts";
import { endProgram, findProgram, skipWithout } from "./programs.ts";

const CHROMIUM = findProgram("chromium-headless-shell", "chromium", "google-chrome");
const LIMIT_MS = 40_000;

const PAGE = `<!doctype html><title>working</title><pre id="result"></pre><script>
const next = (target, name) => new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));
async function overWebSocket() {
  const socket = new WebSocket("ws://" + location.host + "/ws");
  socket.binaryType = "arraybuffer";
  await next(socket, "open");
  const heard = [];
  for (const message of ["hello", "x".repeat(200000), new Uint8Array([1, 2, 3]).buffer]) {
    socket.send(message);
    const { data } = await next(socket, "message");
    heard.push(typeof data === "string" ? data.length : [...new Uint8Array(data)].join());
  }
  socket.close(1000, "enough");
  const { code, wasClean } = await next(socket, "close");
  return { heard, code, wasClean };
}
async function overEventSource() {
  const source = new EventSource("/events");
  const heard = [];
  while (heard.length < 3) heard.push((await next(source, "message")).data);
  source.close();
  return heard;
}
async function overFetch() {
  const answers = await Promise.all([1, 2, 3, 4].map((n) =>
    fetch("/echo?n=" + n, { method: "POST", body: "body " + n }).then((response) => response.text())));
  const missing = await fetch("/nowhere");
  return { answers, missing: missing.status };
}
(async () => {
  const result = {};
  try {
    [result.socket, result.events, result.fetched] =
      await Promise.all([overWebSocket(), overEventSource(), overFetch()]);
  } catch (error) {
    result.error = String(error);
  }
  document.getElementById("result").textContent = JSON.stringify(result);
  document.title = "done";
})();
</script>`;

test("a page does its work through the gateway", { skip: skipWithout(CHROMIUM, "Chromium") }, async () => {
  await using backend = await startNodeBackend({ "/page": PAGE });
  await using plimsoll = await startProcess({ pools: { web: [backend] } });
  const profile = mkdtempSync(join(tmpdir(), "plimsoll-chromium-"));
  const chromium = spawn(CHROMIUM!, chromiumFlags(profile), { stdio: ["ignore", "ignore", "pipe"] });
  // Debian's command is a script: the browser is another process, and the last to let go of standard error.
  const gone = once(chromium, "close");
  let devTools: DevTools | undefined;
  try {
    devTools = await DevTools.connect(await debuggerUrl(chromium));
    const text = await devTools.resultOf(`http://127.0.0.1:${plimsoll.port}/page`);
    assert.deepEqual(JSON.parse(text), {
      socket: { heard: [5, 200_000, "1,2,3"], code: 1000, wasClean: true },
      events: ["event 1", "event 2", "event 3"],
      fetched: { answers: ["body 1", "body 2", "body 3", "body 4"], missing: 404 },
    });
  } finally {
    if (devTools !== undefined) await devTools.endBrowser(gone);
    await endProgram(chromium);
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
});

function chromiumFlags(profile: string): readonly string[] {
  return [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--remote-debugging-port=0",
    `--user-data-dir=${profile}`,
    "about:blank",
  ];
}

async function debuggerUrl(chromium: ChildProcess): Promise<string> {
  let text = "";
  chromium.stderr?.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  const url = (): string | undefined => /DevTools listening on (ws:\S+)/.exec(text)?.[1];
  await waitUntil(
    () => url() !== undefined || chromium.exitCode !== null,
    () => `Chromium to start; it said ${text}`,
    LIMIT_MS,
  );
  assert.ok(url() !== undefined, `Chromium ended: ${text}`);
  return url()!;
}

interface Reply {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** The few words of the DevTools protocol that are needed. */
class DevTools {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #next = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const reply = JSON.parse(String(data)) as Reply;
      if (reply.id !== undefined) this.#waiting.get(reply.id)?.(reply);
    });
  }

  static async connect(url: string): Promise<DevTools> {
    const socket = new WebSocket(url);
    await within(once(socket, "open"), "the DevTools connection");
    return new DevTools(socket);
  }

  /** Opens the page and returns the text of #result once the page's title says that it is done. */
  async resultOf(url: string): Promise<string> {
    const { targetId } = await this.#call<{ targetId: string }>("Target.createTarget", { url });
    const attach = { targetId, flatten: true };
    const { sessionId } = await this.#call<{ sessionId: string }>("Target.attachToTarget", attach);
    const read = async (expression: string): Promise<string> => {
      const reply = await this.#call<{ result: { value: unknown } }>(
        "Runtime.evaluate",
        { expression },
        sessionId,
      );
      return String(reply.result.value);
    };
    await waitUntil(async () => (await read("document.title")) === "done", "the page to be done", LIMIT_MS);
    return read("document.getElementById('result').textContent");
  }

  /** Asks it to close, and kills it by its pid if it does not. */
  async endBrowser(gone: Promise<unknown>): Promise<void> {
    interface Processes {
      readonly processInfo: readonly { readonly type: string; readonly id: number }[];
    }
    const { processInfo } = await this.#call<Processes>("SystemInfo.getProcessInfo", {});
    const pid = processInfo.find(({ type }) => type === "browser")?.id;
    await this.#call("Browser.close", {});
    try {
      await within(gone, "Chromium to end");
    } catch {
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    }
  }

  async #call<T>(method: string, params: object, sessionId?: string): Promise<T> {
    const id = ++this.#next;
    const reply = await within(
      new Promise<Reply>((resolve) => {
        this.#waiting.set(id, resolve);
        this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
      }),
      `DevTools to answer ${method}`,
      LIMIT_MS,
    );
    if (reply.error !== undefined) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result as T;
  }
}
