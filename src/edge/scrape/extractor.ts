/**
 * What stands between a page of metrics and those who want to know: it names the series it wants, takes the samples of one
 * page, and says what the page says. The scraping loop knows no more than this, so that whatever else is told by a
 * metrics page (load, temperature, price) is one more extractor and nothing else.
 */
import type { SampleSink } from "../../core/signals/exposition.ts";
import type { WantedNames } from "../../core/signals/exposition-names.ts";

/** How much a target moves: how soon to look again is judged by it (rhythm.ts). */
export type Movement =
  /** What counts has changed since the page before. */
  | "moving"
  /** At work, but as it was. */
  | "steady"
  /** Nothing to do, and as it was. */
  | "idle";

/** One per target: it may remember the page before, to tell rates and movement. */
export interface Extractor<Report> extends SampleSink {
  readonly wanted: WantedNames;
  /** The names to ask for alone, where the target can be asked (`?name[]=`); empty: the whole page is needed. */
  readonly asked: readonly string[];
  /** A page begins. */
  begin(): void;
  /** The page, read to its end, came at `nowMs`: what it says, or undefined where it says nothing of what is wanted. */
  end(nowMs: number): Report | undefined;
  /** Of the last report against the one before. */
  readonly movement: Movement;
}
