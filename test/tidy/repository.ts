/**
 * Reads the repository from disk: what git tracks or would track, without asking git, so that it also works in an
 * unpacked archive.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Repository, TextFile } from "./rule.ts";

/** Installed, built or measured, at whatever depth: as in .gitignore. */
const LEFT_OUT: ReadonlySet<string> = new Set([".git", "node_modules", "dist", "coverage"]);

/** No text rule has anything to say about larger or binary files. */
const BYTES_MAX = 2_000_000;

export function readRepository(root: string): Repository {
  return { files: [...walk(root, "")].toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
}

function* walk(root: string, folder: string): Generator<TextFile> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (LEFT_OUT.has(entry.name)) continue;
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(root, path);
    else if (entry.isFile()) yield { path, text: readText(join(root, path)) };
  }
}

/** Empty for what is not text. */
function readText(file: string): string {
  const bytes = readFileSync(file);
  return bytes.length > BYTES_MAX || bytes.includes(0) ? "" : bytes.toString("utf8");
}
