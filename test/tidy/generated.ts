/**
 * Generated reference pages say what the code says.
 */
import { PAGES, type Page } from "../../scripts/docs/pages.ts";
import type { Finding, Rule, TextFile } from "./rule.ts";

export const generated: Rule = {
  name: "generated pages are up to date",
  reason:
    "A reference page that lies is worse than none. Run `npm run docs:generate` and commit what it wrote.",
  check: (repository) => checkPages(PAGES, repository.files),
};

export function checkPages(pages: readonly Page[], files: readonly TextFile[]): Finding[] {
  return pages.flatMap(({ path, render }) => {
    const found = files.find((file) => file.path === path)?.text;
    if (found === undefined) return [{ path, line: 1, message: "is missing" }];
    const line = firstDifference(found.split("\n"), render().split("\n"));
    return line === undefined ? [] : [{ path, line, message: "differs from what the code says" }];
  });
}

/** 1-based; undefined where they are the same. */
function firstDifference(a: readonly string[], b: readonly string[]): number | undefined {
  for (let i = 0; i < Math.max(a.length, b.length); i++) if (a[i] !== b[i]) return i + 1;
  return undefined;
}
