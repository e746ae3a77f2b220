/** Scraping over real sockets: targets that answer, and targets that are slow, hang, reset, lie or never end. */
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { describe, test, type TestContext } from "node:test";
import type { EngineReport } from "../../src/core/inference/policy/inference-policy.ts";
import { EngineExtractor } from "../../src/edge/scrape/engine-extractor.ts";
import type { Rhythm } from "../../src/edge/scrape/rhythm.ts";
import { Scraper, type ScrapeSpec } from "../../src/edge/scrape/scraper.ts";
import { createPrng } from "../../src/std/prng.ts";
import { vllmPage } from "../kit/metrics-pages.ts";
import { waitUntil } from "../kit/wait.ts";

const QUICK: Rhythm = { movingMs: 10, steadyMs: 20, idleMs: 40 };
const PAGE = vllmPage({ running: 2, waiting: 1, kvUsedRatio: 0.5, lines: 50 });
const LARGE = vllmPage({ running: 2, waiting: 1, kvUsedRatio: 0.5, lines: 1000 });
const SMALL = vllmPage({ running: 2, waiting: 1, kvUsedRatio: 0.5 });

interface Setting {
  readonly scraper: Scraper<EngineReport>;
  readonly reports: { readonly key: string; readonly report: EngineReport; readonly asOfMs: number }[];
  readonly faults: string[];
  follow(...ports: readonly number[]): void;
  reported(count: number): Promise<void>;
  failed(count: number): Promise<void>;
}

function scrape(
  t: TestContext,
  options: { rhythm?: Rhythm; timeoutMs?: number; budgetRatio?: number } = {},
): Setting {
  const reports: Setting["reports"] = [];
  const faults: string[] = [];
  const scraper = new Scraper<EngineReport>({
    prng: createPrng(1),
    clock: () => performance.now(),
    reported: (key, report, asOfMs) => reports.push({ key, report, asOfMs }),
    failed: (_key, fault) => faults.push(fault),
    defect: (error) => faults.push(`defect: ${String(error)}`),
    rhythm: QUICK,
    timeoutMs: 300,
    ...options,
  });
  t.after(() => scraper.close());
  return {
    scraper,
    reports,
    faults,
    follow: (...ports) => scraper.follow(ports.map(spec)),
    reported: (count) =>
      waitUntil(
        () => reports.length >= count,
        () => `${count} reports, but ${reports.length}; ${faults.join(", ")}`,
      ),
    failed: (count) => waitUntil(() => faults.length >= count, `${count} failures`),
  };
}

function spec(port: number): ScrapeSpec<EngineReport> {
  return {
    key: `127.0.0.1:${port}`,
    address: "127.0.0.1",
    port,
    path: "/metrics",
    extractor: () => new EngineExtractor(undefined, (name) => name.length),
  };
}

async function serve(t: TestContext, listener: http.RequestListener): Promise<http.Server & { at: number }> {
  const server = http.createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(server, { at: (server.address() as AddressInfo).port });
}

/** A server of raw bytes: `answer` is called with each request's head. */
async function serveRaw(
  t: TestContext,
  answer: (socket: net.Socket, nthRequest: number) => void,
): Promise<{ readonly at: number; readonly connections: () => number }> {
  let connections = 0;
  let requests = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", () => answer(socket, requests++));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { at: (server.address() as AddressInfo).port, connections: () => connections };
}

const ok = (body: Buffer, ...fields: readonly string[]): Buffer =>
  Buffer.concat([
    Buffer.from(["HTTP/1.1 200 OK", `content-length: ${body.length}`, ...fields, "", ""].join("\r\n")),
    body,
  ]);

test("one connection serves page after page, and reports say when they were true", async (t) => {
  const ports = new Set<number | undefined>();
  const server = await serve(t, (request, response) => {
    ports.add(request.socket.remotePort);
    response.end(PAGE);
  });
  const setting = scrape(t);
  const startedMs = performance.now();
  setting.follow(server.at);
  await setting.reported(5);
  assert.equal(ports.size, 1);
  const { report, asOfMs } = setting.reports[4]!;
  assert.equal(report.running, 2);
  assert.equal(report.asOfMs, asOfMs);
  assert.ok(asOfMs > startedMs && asOfMs <= performance.now());
  assert.deepEqual(setting.faults, []);
  const [state] = setting.scraper.state();
  assert.equal(state!.failures, 0);
  assert.ok(state!.ageMs! < 1_000);
});

test("chunked, and cut anywhere, a page is a page", async (t) => {
  const body = Buffer.concat([
    Buffer.from("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
    ...[PAGE.subarray(0, 1000), PAGE.subarray(1000)].flatMap((part) => [
      Buffer.from(`${part.length.toString(16)}\r\n`),
      part,
      Buffer.from("\r\n"),
    ]),
    Buffer.from("0\r\n\r\n"),
  ]);
  const server = await serveRaw(t, (socket) => {
    socket.setNoDelay(true);
    for (let at = 0; at < body.length; at += 97) socket.write(body.subarray(at, at + 97));
  });
  const setting = scrape(t);
  setting.follow(server.at);
  await setting.reported(3);
  assert.equal(server.connections(), 1);
  assert.equal(setting.reports[2]!.report.blocksTotal, 7642);
});

test("a connection that the target ended between two pages is no failure", async (t) => {
  // As a server does whose keep-alive time is over just when the next request is on its way.
  const server = await serveRaw(t, (socket, n) => {
    if (n % 3 === 2) socket.destroy();
    else socket.write(ok(PAGE));
  });
  const setting = scrape(t);
  setting.follow(server.at);
  await setting.reported(8);
  assert.deepEqual(setting.faults, []);
  assert.ok(server.connections() > 2);
});

test("a page until the connection's end is read, too", async (t) => {
  const server = await serveRaw(t, (socket) => {
    socket.end(Buffer.concat([Buffer.from("HTTP/1.0 200 OK\r\n\r\n"), PAGE]));
  });
  const setting = scrape(t);
  setting.follow(server.at);
  await setting.reported(2);
  assert.deepEqual(setting.faults, []);
});

const MISBEHAVIOURS: readonly (readonly [string, (socket: net.Socket) => void, RegExp])[] = [
  ["hangs", () => {}, /^timeout$/],
  ["hangs within its page", (socket) => socket.write(ok(PAGE).subarray(0, 700)), /^timeout$/],
  [
    "is slow beyond its time",
    (socket) => {
      const bytes = ok(PAGE);
      let at = 0;
      const timer = setInterval(() => socket.write(bytes.subarray(at, (at += 3))), 20);
      socket.on("close", () => clearInterval(timer));
    },
    /^timeout$/,
  ],
  ["resets", (socket) => socket.resetAndDestroy(), /^ECONNRESET$/],
  ["cuts its page", (socket) => socket.end(ok(PAGE).subarray(0, 700)), /^closed early$/],
  ["is no metrics page", (socket) => socket.write(ok(Buffer.from("<html>"))), /^nothing wanted in the page$/],
  ["has an empty page", (socket) => socket.write(ok(Buffer.alloc(0))), /^nothing wanted in the page$/],
  [
    "has moved",
    (socket) => socket.write("HTTP/1.1 307 Moved\r\nlocation: /\r\ncontent-length: 0\r\n\r\n"),
    /^status 307$/,
  ],
  ["is not HTTP", (socket) => socket.write("SSH-2.0-x\r\n"), /^unreadable answer: /],
  ["has two lengths", (socket) => socket.write(ok(PAGE, "content-length: 5")), /^unreadable answer: /],
  [
    "is coded although nobody asked",
    (socket) => socket.write(ok(PAGE, "content-encoding: gzip")),
    /^content coding$/,
  ],
  [
    "has a head without end",
    (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${`x: ${"y".repeat(400)}\r\n`.repeat(60)}`);
    },
    /^head too large$/,
  ],
];

// Each waits for time to pass, so they wait together.
describe(
  "a target that fails is asked less and less and stops nobody else: one that",
  { concurrency: true },
  () => {
    for (const [what, answer, fault] of MISBEHAVIOURS) {
      test(what, async (t) => {
        const bad = await serveRaw(t, answer);
        const good = await serve(t, (_request, response) => response.end(PAGE));
        const setting = scrape(t);
        setting.follow(bad.at, good.at);
        await setting.failed(1);
        const before = setting.reports.length;
        await setting.reported(before + 5);
        await setting.failed(2);
        for (const seen of setting.faults) assert.match(seen, fault);
        const state = setting.scraper.state().find(({ key }) => key.endsWith(`:${bad.at}`))!;
        assert.equal(state.ageMs, undefined);
        assert.match(state.fault!, fault);
      });
    }
  },
);

test("a page of 100 MB is left once its bound is passed", async (t) => {
  let sent = 0;
  const server = await serve(t, (_request, response) => {
    const line = Buffer.from(`vllm:num_requests_running{x="${"y".repeat(1000)}"} 1\n`.repeat(60));
    response.writeHead(200);
    const write = (): void => {
      while (sent < 100_000_000 && !response.destroyed) {
        sent += line.length;
        if (!response.write(line)) {
          response.once("drain", write);
          return;
        }
      }
      response.end();
    };
    write();
  });
  const setting = scrape(t, { timeoutMs: 5_000 });
  setting.follow(server.at);
  await setting.failed(1);
  assert.deepEqual(setting.faults.slice(0, 1), ["page too large"]);
  assert.ok(sent < 40_000_000, `${sent} bytes`);
});

test("a target that answers narrow questions is asked narrowly", async (t) => {
  const urls: string[] = [];
  const server = await serve(t, (request, response) => {
    urls.push(request.url!);
    response.end(request.url!.includes("name%5B%5D=vllm%3Anum_requests_running") ? SMALL : LARGE);
  });
  const setting = scrape(t);
  setting.follow(server.at);
  await setting.reported(4);
  assert.equal(urls[0], "/metrics");
  assert.ok(urls.slice(1, 4).every((url) => url.startsWith("/metrics?name%5B%5D=vllm%3A")));
  assert.equal(setting.scraper.state()[0]!.asksNarrowly, true);
  assert.equal(setting.reports[3]!.report.blocksTotal, 7642);
});

for (const [what, refuse] of [
  ["nothing", (response: http.ServerResponse) => response.end("")],
  ["half of it", (response: http.ServerResponse) => response.end(SMALL.subarray(0, 400))],
  ["an error", (response: http.ServerResponse) => response.writeHead(422).end()],
] as const) {
  test(`a target that answers a narrow question with ${what} is asked for the whole page from then on`, async (t) => {
    let narrow = 0;
    const server = await serve(t, (request, response) => {
      if (!request.url!.includes("?")) response.end(LARGE);
      else {
        narrow++;
        refuse(response);
      }
    });
    const setting = scrape(t);
    setting.follow(server.at);
    await setting.reported(5);
    assert.equal(narrow, 1);
    assert.deepEqual(setting.faults, []);
    assert.ok(setting.reports.every(({ report }) => report.blocksTotal === 7642));
  });
}

test("never two questions at once, however slow the answers", async (t) => {
  let open = 0;
  let openMax = 0;
  const server = await serve(t, (_request, response) => {
    openMax = Math.max(openMax, ++open);
    setTimeout(() => {
      open--;
      response.end(PAGE);
    }, 100);
  });
  const setting = scrape(t);
  setting.follow(server.at);
  await setting.reported(4);
  assert.equal(openMax, 1);
});

test("idle targets are asked less often, and stirring one brings its turn near", async (t) => {
  const idle = vllmPage({ running: 0, waiting: 0, kvUsedRatio: 0 });
  const server = await serve(t, (_request, response) => response.end(idle));
  const setting = scrape(t, { rhythm: { movingMs: 5, steadyMs: 20, idleMs: 60_000 } });
  setting.follow(server.at);
  const period = (): number => setting.scraper.state()[0]!.periodMs;
  await waitUntil(() => period() >= 640, "a long period");
  const before = setting.reports.length;
  setting.scraper.stir(`127.0.0.1:${server.at}`);
  assert.equal(period(), 20);
  const stirredMs = performance.now();
  await setting.reported(before + 1);
  assert.ok(performance.now() - stirredMs < 500);
});

test("what is followed no longer is not asked again", async (t) => {
  let asked = 0;
  const server = await serve(t, (_request, response) => {
    asked++;
    response.end(PAGE);
  });
  const setting = scrape(t);
  setting.follow(server.at);
  await setting.reported(2);
  setting.follow();
  const before = asked;
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(asked <= before + 1);
  assert.deepEqual(setting.scraper.state(), []);
});

test("beyond the budget all are asked less often, and none is forgotten", async (t) => {
  const page = vllmPage({ running: 2, waiting: 1, kvUsedRatio: 0.5, lines: 20_000 });
  const server = await serve(t, (_request, response) => response.end(page));
  const other = await serve(t, (_request, response) => response.end(page));
  const free = scrape(t, { budgetRatio: 10 });
  free.follow(server.at, other.at);
  const bound = scrape(t, { budgetRatio: 0.002 });
  bound.follow(server.at, other.at);
  await free.reported(40);
  await bound.reported(4);
  free.scraper.close();
  assert.ok(
    free.reports.length >= 3 * bound.reports.length,
    `${free.reports.length} to ${bound.reports.length}`,
  );
  assert.equal(new Set(bound.reports.slice(0, 4).map(({ key }) => key)).size, 2);
});
