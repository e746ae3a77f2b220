/**
 * What is counted about inference: prompts and their tokens, the time to first tokens, and what came from the engines. By pool
 * only, for the names of models are the clients'.
 */
import type { TokenUsage } from "../../model/inference-facts.ts";
import type { Counter, Histogram, Registry } from "./registry.ts";

/** Seconds. From a cached prompt on an idle engine to what nobody waits for any more. */
const FIRST_TOKEN_BOUNDS = [
  0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 20, 30, 60, 120,
];

export interface EngineSeries {
  readonly scrapeFailures: Counter;
  readonly stored: Counter;
  readonly removed: Counter;
  readonly cleared: Counter;
  readonly gaps: Counter;
}

interface PromptSeries {
  readonly prompts: Counter;
  readonly prompt: Counter;
  readonly cached: Counter;
  readonly output: Counter;
  readonly firstToken: Histogram;
}

export class InferenceMetrics {
  readonly #prompts = new Map<string, PromptSeries>();
  readonly #promptSeries: (pool: string) => PromptSeries;
  readonly #engineSeries: (pool: string) => EngineSeries;

  constructor(registry: Registry) {
    const prompts = registry.counter(
      "plimsoll_prompts_total",
      ["pool"],
      "Inference requests that came to an end, answered or not.",
    );
    const tokens = registry.counter(
      "plimsoll_prompt_tokens_total",
      ["pool", "kind"],
      "Tokens as the engines state them: prompt, cached (those of the prompts that were found in a prefix cache), output.",
    );
    const firstToken = registry.histogram(
      "plimsoll_time_to_first_token_seconds",
      ["pool"],
      "From the request's head to the first token of a streamed answer.",
      FIRST_TOKEN_BOUNDS,
    );
    const scrapeFailures = registry.counter(
      "plimsoll_scrape_failures_total",
      ["pool"],
      "Metrics pages of engines that could not be had or read.",
    );
    const cacheEvents = registry.counter(
      "plimsoll_cache_events_total",
      ["pool", "event"],
      "Cache events from engines: stored, removed, cleared, and gap (events were lost, and what was known is forgotten).",
    );
    this.#promptSeries = (pool) => ({
      prompts: prompts({ pool }),
      prompt: tokens({ pool, kind: "prompt" }),
      cached: tokens({ pool, kind: "cached" }),
      output: tokens({ pool, kind: "output" }),
      firstToken: firstToken({ pool }),
    });
    this.#engineSeries = (pool) => ({
      scrapeFailures: scrapeFailures({ pool }),
      stored: cacheEvents({ pool, event: "stored" }),
      removed: cacheEvents({ pool, event: "removed" }),
      cleared: cacheEvents({ pool, event: "cleared" }),
      gaps: cacheEvents({ pool, event: "gap" }),
    });
  }

  /** To be held by whoever follows the pool's engines. */
  engines(pool: string): EngineSeries {
    return this.#engineSeries(pool);
  }

  prompt(pool: string, usage: TokenUsage | undefined, firstTokenMs: number | undefined): void {
    let series = this.#prompts.get(pool);
    if (series === undefined) this.#prompts.set(pool, (series = this.#promptSeries(pool)));
    series.prompts.add();
    if (firstTokenMs !== undefined) series.firstToken.observe(firstTokenMs / 1000);
    if (usage === undefined) return;
    // -1: not stated.
    series.prompt.add(Math.max(0, usage.promptTokens));
    series.cached.add(Math.max(0, usage.cachedTokens));
    series.output.add(Math.max(0, usage.outputTokens));
  }

  /** Series of other pools are forgotten by the registry; here they are let go of. */
  retainPools(keys: Iterable<string>): void {
    const kept = new Set(keys);
    for (const pool of this.#prompts.keys()) if (!kept.has(pool)) this.#prompts.delete(pool);
  }
}
