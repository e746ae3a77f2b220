/**
 * Writes the generated reference pages: `npm run docs:generate`. Says which of them changed.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PAGES } from "./docs/pages.ts";

const ROOT = join(import.meta.dirname, "..");

for (const page of PAGES) {
  const file = join(ROOT, page.path);
  const text = page.render();
  const isCurrent = readIfThere(file) === text;
  if (!isCurrent) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  console.log(`${page.path}: ${isCurrent ? "up to date" : "written"}`);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
