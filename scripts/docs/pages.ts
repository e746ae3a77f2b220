/**
 * The reference pages that are generated from code. Add one here and both `npm run docs:generate` and the tidy
 * test, which holds the files on disk against this list, know it.
 */
import { renderCommands } from "./commands.ts";
import { renderMetrics } from "./metrics.ts";
import { renderRefusals } from "./refusals.ts";

export interface Page {
  /** From the repository's root. */
  readonly path: string;
  readonly render: () => string;
}

export const PAGES: readonly Page[] = [
  { path: "docs/commands.md", render: renderCommands },
  { path: "docs/metrics.md", render: renderMetrics },
  { path: "docs/refusals.md", render: renderRefusals },
];
