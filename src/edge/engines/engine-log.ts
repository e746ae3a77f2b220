/**
 * What becomes of engines' signals, as lines in the event log: once when they stay away, once when they are back. A single page
 * that is late, or a connection that is being made, is no news.
 */
import type { Logger } from "pino";
import type { Member } from "./followed-pool.ts";

/** Scrapes in a row. The first retries follow within a second. */
const FAILURES_TOLD = 3;
const FAULT_TOLD_MS = 2_000;

interface CacheFault {
  readonly sinceMs: number;
  isTold: boolean;
}

export class EngineLog {
  readonly #log: Logger;
  /** Names of those whose scrapes fail, as told. */
  readonly #silent = new Set<string>();
  readonly #cacheFaults = new Map<string, CacheFault>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `failures`: in a row. */
  scrapeFailed(member: Member, fault: string, failures: number): void {
    if (failures < FAILURES_TOLD || this.#silent.has(member.name)) return;
    this.#silent.add(member.name);
    this.#log.warn({ ...factsOf(member), fault }, "engine's metrics cannot be read");
  }

  scraped(member: Member): void {
    if (this.#silent.delete(member.name)) this.#log.info(factsOf(member), "engine's metrics are read again");
  }

  /** Asked now and then. `fault` undefined: its cache events come. */
  cacheEvents(member: Member, fault: string | undefined, nowMs: number): void {
    const known = this.#cacheFaults.get(member.name);
    if (fault === undefined) {
      this.#cacheFaults.delete(member.name);
      if (known?.isTold === true) this.#log.info(factsOf(member), "engine's cache events come again");
    } else if (known === undefined) {
      this.#cacheFaults.set(member.name, { sinceMs: nowMs, isTold: false });
    } else if (!known.isTold && nowMs - known.sinceMs >= FAULT_TOLD_MS) {
      known.isTold = true;
      this.#log.warn({ ...factsOf(member), fault }, "engine's cache events do not come");
    }
  }

  /** Those are followed and no others. */
  retain(names: ReadonlySet<string>): void {
    for (const name of this.#silent) if (!names.has(name)) this.#silent.delete(name);
    for (const name of this.#cacheFaults.keys()) if (!names.has(name)) this.#cacheFaults.delete(name);
  }
}

function factsOf({ followed, endpoint }: Member): { readonly pool: string; readonly endpoint: string } {
  return { pool: followed.pool.key, endpoint: endpoint.key };
}
