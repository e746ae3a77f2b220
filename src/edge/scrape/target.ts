/**
 * One scraped target: its connection, its reader, and what is to be asked of it.
 *
 * Libraries that follow Prometheus' own client answer `?name[]=a&name[]=b` with these series alone, which spares both
 * sides nearly all of a page; others ignore the query, and some with several processes answer nothing. So the first page is
 * asked for whole, and later ones narrowly only as long as a narrow page has as many of the wanted samples as the whole one.
 */
import { ExpositionReader } from "../../core/signals/exposition.ts";
import type { Extractor } from "./extractor.ts";
import { PageConnection, type PageUser } from "./page-connection.ts";

/** Of a whole page; above: the page is dropped. Ten times what an engine with many ranks has. */
export const PAGE_BYTES_MAX = 8_388_608;
/** A smaller page is not worth asking narrowly. */
const NARROW_BYTES_MIN = 8_192;

export interface TargetAddress {
  /** Identity: what reports are told under. */
  readonly key: string;
  readonly address: string;
  readonly port: number;
  /** `/metrics`, possibly with a query. */
  readonly path: string;
}

export interface TargetUser<Report> {
  readonly clock: () => number;
  /** `asOfMs`: when the page began to come. */
  reported(target: Target<Report>, report: Report | undefined, asOfMs: number): void;
  failed(target: Target<Report>, fault: string): void;
  defect(error: unknown): void;
}

export class Target<Report> implements PageUser {
  readonly at: TargetAddress;
  readonly extractor: Extractor<Report>;
  readonly #user: TargetUser<Report>;
  readonly #reader: ExpositionReader;
  readonly #connection: PageConnection;
  #narrow: "untried" | "asked" | "refused" = "untried";
  /** Wanted samples of the last whole page. */
  #wholeSamples = 0;
  #isNarrowPage = false;
  #beganMs = 0;
  /** Spent on reading since `takeSpent`. */
  #spentMs = 0;
  /** Length of the last page. */
  lastPageBytes = 0;
  /** Wanted lines that could not be read, over all pages. */
  malformed = 0;

  constructor(at: TargetAddress, extractor: Extractor<Report>, user: TargetUser<Report>) {
    this.at = at;
    this.extractor = extractor;
    this.#user = user;
    this.#reader = new ExpositionReader(extractor.wanted, extractor);
    this.#connection = new PageConnection(at.address, at.port, PAGE_BYTES_MAX, this);
  }

  get busy(): boolean {
    return this.#connection.busy;
  }

  get asksNarrowly(): boolean {
    return this.#narrow === "asked";
  }

  ask(): void {
    this.#isNarrowPage = this.#narrow === "asked";
    this.#connection.ask(this.#isNarrowPage ? narrowed(this.at.path, this.extractor.asked) : this.at.path);
  }

  giveUp(fault: string): void {
    this.#connection.giveUp(fault);
  }

  close(): void {
    this.#connection.close();
  }

  takeSpentMs(): number {
    const spent = this.#spentMs;
    this.#spentMs = 0;
    return spent;
  }

  pageBegins(): void {
    this.#beganMs = this.#user.clock();
    this.#reader.begin();
    this.extractor.begin();
  }

  pageBytes(buffer: Buffer, start: number, end: number): void {
    const startedMs = this.#user.clock();
    this.#reader.feed(buffer, start, end);
    this.#spentMs += this.#user.clock() - startedMs;
  }

  pageFailed(fault: string): void {
    if (this.#isNarrowPage && fault.startsWith("status ")) this.#askWholeInstead();
    else this.#user.failed(this, fault);
  }

  pageEnded(bytes: number): void {
    const startedMs = this.#user.clock();
    this.#reader.finish();
    this.malformed += this.#reader.malformed;
    if (this.#isNarrowPage && this.#reader.samples < this.#wholeSamples) {
      this.#askWholeInstead();
      return;
    }
    this.lastPageBytes = bytes;
    const report = this.extractor.end(this.#beganMs);
    if (!this.#isNarrowPage) {
      this.#wholeSamples = this.#reader.samples;
      const isWorthIt = bytes >= NARROW_BYTES_MIN && report !== undefined && this.extractor.asked.length > 0;
      if (this.#narrow === "untried" && isWorthIt) this.#narrow = "asked";
    }
    this.#spentMs += this.#user.clock() - startedMs;
    this.#user.reported(this, report, this.#beganMs);
  }

  defect(error: unknown): void {
    this.#user.defect(error);
  }

  #askWholeInstead(): void {
    this.#narrow = "refused";
    this.ask();
  }
}

function narrowed(path: string, names: readonly string[]): string {
  const query = names.map((name) => `name%5B%5D=${encodeURIComponent(name)}`).join("&");
  return `${path}${path.includes("?") ? "&" : "?"}${query}`;
}
