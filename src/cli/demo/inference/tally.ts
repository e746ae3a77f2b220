/**
 * What the clients of one fleet have seen: over the last seconds, in a scene, in all. Pure.
 *
 * A first token counts when it comes, everything else of an answer when that is over: else the answers of a slow engine would
 * count long after those of a fast one. Quantiles are exact (nearest rank). The cached share is of tokens: those that engines say
 * they found in their caches, of all prompt tokens. Bounded: the newest SAMPLES_MAX answers, which is over an hour.
 */
import { quantile } from "../traffic-window.ts";
import type { ChatSeen } from "./chat-request.ts";

const SAMPLES_MAX = 50_000;

interface Placed {
  readonly atMs: number;
  /** Of a first token: in which the request was due. Of an answer: in which it ended. */
  readonly scene: string;
}

interface Sample extends Omit<ChatSeen, "answer">, Placed {}

interface FirstToken extends Placed {
  readonly ttftMs: number;
}

export interface EngineFigures {
  /** Of the answers that name an engine, 0 to 1. */
  readonly share: number;
  readonly cachedRatio: number | undefined;
}

export interface Figures {
  readonly requests: number;
  readonly failures: number;
  readonly ttftP50Ms: number | undefined;
  readonly ttftP99Ms: number | undefined;
  readonly tpotP50Ms: number | undefined;
  readonly tpotP99Ms: number | undefined;
  readonly cachedRatio: number | undefined;
  readonly engines: ReadonlyMap<string, EngineFigures>;
}

export class Tally {
  #samples: Sample[] = [];
  #firsts: FirstToken[] = [];

  first(ttftMs: number, scene: string, atMs: number): void {
    this.#firsts.push({ ttftMs, scene, atMs });
    if (this.#firsts.length > 2 * SAMPLES_MAX) this.#firsts = this.#firsts.slice(-SAMPLES_MAX);
  }

  add(seen: ChatSeen, scene: string, atMs: number): void {
    const { ok, endpoint, tpotMs, promptTokens, cachedTokens } = seen;
    this.#samples.push({ ok, endpoint, tpotMs, promptTokens, cachedTokens, scene, atMs });
    // In halves, so that forgetting costs little per sample.
    if (this.#samples.length > 2 * SAMPLES_MAX) this.#samples = this.#samples.slice(-SAMPLES_MAX);
  }

  since(atMs: number): Figures {
    return this.#figures((placed) => placed.atMs >= atMs);
  }

  inScene(title: string): Figures {
    return this.#figures(({ scene }) => scene === title);
  }

  all(): Figures {
    return this.#figures(() => true);
  }

  #figures(isMeant: (placed: Placed) => boolean): Figures {
    return figuresOf(this.#samples.filter(isMeant), this.#firsts.filter(isMeant));
  }
}

function figuresOf(samples: readonly Sample[], firsts: readonly FirstToken[]): Figures {
  const ttft = firsts.map(({ ttftMs }) => ttftMs).toSorted((a, b) => a - b);
  const tpot = samples
    .map(({ tpotMs }) => tpotMs)
    .filter((tpotMs) => tpotMs !== undefined)
    .toSorted((a, b) => a - b);
  const named = samples.filter(({ endpoint }) => endpoint !== undefined);
  const engines = new Map<string, EngineFigures>();
  for (const [name, list] of Map.groupBy(named, ({ endpoint }) => endpoint!)) {
    engines.set(name, { share: list.length / named.length, cachedRatio: cachedRatio(list) });
  }
  return {
    requests: samples.length,
    failures: samples.filter(({ ok }) => !ok).length,
    ttftP50Ms: quantile(ttft, 0.5),
    ttftP99Ms: quantile(ttft, 0.99),
    tpotP50Ms: quantile(tpot, 0.5),
    tpotP99Ms: quantile(tpot, 0.99),
    cachedRatio: cachedRatio(samples),
    engines,
  };
}

function cachedRatio(samples: readonly Sample[]): number | undefined {
  const prompt = samples.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
  const cached = samples.reduce((sum, { cachedTokens }) => sum + cachedTokens, 0);
  return prompt === 0 ? undefined : cached / prompt;
}
