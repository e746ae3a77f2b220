/**
 * What scraping costs: one gateway's scraper against N targets over loopback, the targets in a process of their own.
 *
 * `node bench/scrape.ts [targets=100] [lines=2000] [seconds=10] [mode=idle|busy|fixed] [narrow]`
 *
 * idle: pages never change and nothing runs, the default rhythm. busy: every page differs, the default rhythm and budget.
 * fixed: every page differs, each target every 100 ms, no budget. `narrow`: the targets answer `?name[]=`.
 * Prints pages per second and the processor time of this process as a share of one core, by getrusage.
 */
import { fork } from "node:child_process";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { EngineExtractor } from "../src/edge/scrape/engine-extractor.ts";
import { DEFAULT_RHYTHM, type Rhythm } from "../src/edge/scrape/rhythm.ts";
import { Scraper, type ScrapeSpec } from "../src/edge/scrape/scraper.ts";
import type { EngineReport } from "../src/core/inference/policy/inference-policy.ts";
import { createPrng } from "../src/std/prng.ts";
import { vllmPage } from "../test/kit/metrics-pages.ts";

const [targets = "100", lines = "2000", seconds = "10", mode = "idle", narrow = ""] = process.argv.slice(2);

if (process.send === undefined) await measure();
else serve();

function serve(): void {
  let running = 0;
  const page = vllmPage({ running: 0, waiting: 0, kvUsedRatio: 0.25, lines: Number(lines) });
  const small = vllmPage({ running: 0, waiting: 0, kvUsedRatio: 0.25, lines: 0 });
  // Of the same length always, so that a page is made by writing two digits over it.
  const place = Buffer.from("vllm:num_requests_running{");
  const serveOne = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    const body = narrow === "narrow" && request.url!.includes("name%5B%5D") ? small : page;
    if (mode !== "idle") {
      running = (running + 7) % 10;
      const lineAt = body.indexOf(place);
      body[body.indexOf(0x0a, lineAt) - 3] = 0x30 + running;
    }
    response.writeHead(200, { "content-type": "text/plain", "content-length": body.length });
    response.end(body);
  };
  const servers = Array.from({ length: Number(targets) }, () =>
    http.createServer(serveOne).listen(0, "127.0.0.1"),
  );
  let left = servers.length;
  for (const server of servers) {
    server.once("listening", () => {
      if (--left === 0) process.send!(servers.map((one) => (one.address() as AddressInfo).port));
    });
  }
  process.once("disconnect", () => process.exit(0));
}

async function measure(): Promise<void> {
  const child = fork(import.meta.filename, process.argv.slice(2));
  const ports = await new Promise<number[]>((resolve) =>
    child.once("message", (list) => resolve(list as number[])),
  );
  const rhythm: Rhythm = mode === "fixed" ? { movingMs: 100, steadyMs: 100, idleMs: 100 } : DEFAULT_RHYTHM;
  let pages = 0;
  let failures = 0;
  const scraper = new Scraper<EngineReport>({
    prng: createPrng(1),
    clock: () => performance.now(),
    reported: () => pages++,
    failed: (key, fault) => {
      failures++;
      console.error(key, fault);
    },
    defect: (error) => console.error(error),
    rhythm,
    ...(mode === "fixed" ? { budgetRatio: 10 } : {}),
  });
  scraper.follow(
    ports.map((port): ScrapeSpec<EngineReport> => ({
      key: `127.0.0.1:${port}`,
      address: "127.0.0.1",
      port,
      path: "/metrics",
      extractor: () => new EngineExtractor(undefined, (name) => name.length),
    })),
  );
  // Until rhythms have settled: idle ones double from half a second to five.
  await new Promise((resolve) => setTimeout(resolve, mode === "idle" ? 12_000 : 3_000));
  const before = process.cpuUsage();
  const startedMs = performance.now();
  pages = 0;
  await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
  const spent = process.cpuUsage(before);
  const elapsedMs = performance.now() - startedMs;
  const cores = (spent.user + spent.system) / 1000 / elapsedMs;
  const pageBytes = scraper.state()[0]!.pageBytes;
  console.log(
    `${mode} ${narrow}: ${targets} targets, pages of ${pageBytes} bytes, ${((pages / elapsedMs) * 1000).toFixed(1)} pages/s, ` +
      `${cores.toFixed(3)} of a core (user ${(spent.user / 1000 / elapsedMs).toFixed(3)}, ` +
      `system ${(spent.system / 1000 / elapsedMs).toFixed(3)}), ${failures} failures`,
  );
  scraper.close();
  child.disconnect();
}
