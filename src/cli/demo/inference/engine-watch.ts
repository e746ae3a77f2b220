/**
 * How many requests each engine runs and keeps waiting, as its metrics page says: read as the gateway reads it, once a second.
 */
import type { EngineReport } from "../../../core/inference/policy/inference-policy.ts";
import { EngineExtractor } from "../../../edge/scrape/engine-extractor.ts";
import { Scraper } from "../../../edge/scrape/scraper.ts";
import { createPrng } from "../../../std/prng.ts";

const EVERY_MS = 1000;
const FRESH_MS = 3000;

export class EngineWatch {
  readonly #reports = new Map<string, { readonly report: EngineReport; readonly atMs: number }>();
  readonly #scraper: Scraper<EngineReport>;

  constructor(ports: readonly number[]) {
    this.#scraper = new Scraper<EngineReport>({
      prng: createPrng(1),
      clock: () => performance.now(),
      reported: (key, report, atMs) => this.#reports.set(key, { report, atMs }),
      defect: () => {},
      rhythm: { movingMs: EVERY_MS, steadyMs: EVERY_MS, idleMs: EVERY_MS },
      timeoutMs: EVERY_MS,
    });
    this.#scraper.follow(
      ports.map((port) => ({
        key: String(port),
        address: "127.0.0.1",
        port,
        path: "/metrics",
        extractor: () => new EngineExtractor("vllm", () => 0),
      })),
    );
  }

  /** Undefined: nothing was heard of it of late. */
  report(port: number): EngineReport | undefined {
    const known = this.#reports.get(String(port));
    return known === undefined || performance.now() - known.atMs > FRESH_MS ? undefined : known.report;
  }

  close(): void {
    this.#scraper.close();
  }
}
