/**
 * What a file imports, static, re-exported and dynamic alike, types included.
 */
import { posix } from "node:path";
import { blank } from "./blank.ts";
import { lineAt, type TextFile } from "./rule.ts";

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** For relative specifiers: the path from the repository's root. */
  readonly target: string | undefined;
}

/** An import or export declaration up to its specifier's opening quote, in text whose literals are blank. */
const DECLARATION =
  /(?<![.\w$])(?:import\b(?:[\s\w$*{},]*?\bfrom)?|export\b[\s\w$*{},]*?\bfrom)\s*(?=["'])|(?<![.\w$])(?:import|require)\s*\(\s*(?=["'`])/g;

export function importsOf(file: TextFile): Import[] {
  const { code, uncommented } = blank(file.text);
  return Array.from(code.matchAll(DECLARATION), (match) => {
    const opening = match.index + match[0].length;
    const closing = uncommented.indexOf(uncommented[opening] ?? "", opening + 1);
    const specifier = uncommented.slice(opening + 1, closing);
    const isRelative = specifier.startsWith(".");
    const target = isRelative ? posix.join(posix.dirname(file.path), specifier) : undefined;
    return { specifier, line: lineAt(file.text, opening), target };
  });
}
