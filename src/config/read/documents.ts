/**
 * Text to manifests: every object in a file, with the means to say where each of its values stands.
 *
 * A file holds any number of YAML (or JSON) documents; empty ones are skipped and `kind: List` is unwrapped. What YAML
 * itself objects to (syntax, tabs, duplicate keys, unknown anchors, excessive aliases) becomes problems, and the
 * document is left out. Fields whose value is null are dropped, as the API server does, so `annotations:` with nothing
 * behind it is the same as no annotations.
 */
import { LineCounter, parseAllDocuments, visit } from "yaml";
import type { Document, YAMLError } from "yaml";
import type { Problem } from "../../model/problem.ts";
import { locateIn, placeAt } from "./locate.ts";
import type { Locate, Path, Place } from "./path.ts";
import { describeFound } from "./words.ts";

export interface ManifestFile {
  readonly path: string;
  readonly text: string;
}

/** One object as written, nulls dropped, not yet judged. */
export interface Manifest {
  readonly value: Readonly<Record<string, unknown>>;
  readonly locate: Locate;
}

export interface ReadDocuments {
  readonly manifests: readonly Manifest[];
  readonly problems: readonly Problem[];
}

/** Objects nest a dozen deep in practice; beyond this a document is an attack on the stack, and is refused. */
const DEPTH_MAX = 64;

/** One slip in the syntax can be echoed on every line after it; the first few tell. */
const YAML_ERRORS_MAX = 10;

export function readDocuments(file: ManifestFile): ReadDocuments {
  const manifests: Manifest[] = [];
  const problems: Problem[] = [];
  const lines = new LineCounter();
  for (const document of parse(file, lines, problems)) {
    for (const warning of document.warnings) problems.push(yamlProblem(file, lines, warning, "warning"));
    const told = problems.length;
    for (const error of document.errors.slice(0, YAML_ERRORS_MAX))
      problems.push(yamlProblem(file, lines, error, "error"));
    problems.push(...aliasProblems(file, document, lines));
    if (problems.length > told) continue;
    const locate = locateIn(file.path, document, lines, []);
    const value = toValue(document, locate, problems);
    if (value !== undefined) collect({ file, document, lines, base: [] }, value, manifests, problems);
  }
  return { manifests, problems };
}

function parse(file: ManifestFile, lines: LineCounter, problems: Problem[]): readonly Document[] {
  try {
    const documents = parseAllDocuments(file.text, {
      lineCounter: lines,
      prettyErrors: false,
      logLevel: "error",
      merge: true,
    });
    return Array.isArray(documents) ? (documents as Document[]) : [];
  } catch (error) {
    // The parser recurses: a text nested deep enough exhausts the stack instead of yielding an error.
    problems.push(
      documentProblem({ file: file.path, line: 1, column: 1 }, `cannot be read: ${reason(error)}`),
    );
    return [];
  }
}

/** Undefined where the document is empty or cannot be taken. */
function toValue(document: Document, locate: Locate, problems: Problem[]): unknown {
  try {
    // maxAliasCount bounds what aliases can unfold to ("billion laughs").
    return withoutNulls(document.toJS({ maxAliasCount: 100 }), 0);
  } catch (error) {
    problems.push(documentProblem(locate([], "value"), reason(error)));
    return undefined;
  }
}

interface Position {
  readonly file: ManifestFile;
  readonly document: Document;
  readonly lines: LineCounter;
  readonly base: Path;
}

function collect(position: Position, value: unknown, manifests: Manifest[], problems: Problem[]): void {
  const locate = locateIn(position.file.path, position.document, position.lines, position.base);
  if (!isRecord(value)) {
    problems.push({
      ...documentProblem(locate([], "value"), "a manifest is a mapping with apiVersion, kind and metadata"),
      expected: "a mapping",
      found: describeFound(value),
    });
  } else if (value["kind"] === "List" && value["apiVersion"] === "v1" && Array.isArray(value["items"])) {
    for (const [index, item] of value["items"].entries()) {
      collect({ ...position, base: [...position.base, "items", index] }, item, manifests, problems);
    }
  } else {
    manifests.push({ value, locate });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function withoutNulls(value: unknown, depth: number): unknown {
  if (depth > DEPTH_MAX) throw new RangeError(`nested deeper than ${DEPTH_MAX} levels`);
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item, depth + 1));
  if (!isRecord(value)) return value ?? undefined;
  const kept = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(kept.map(([key, field]) => [key, withoutNulls(field, depth + 1)]));
}

/** The library tells of an unknown anchor only by throwing, and then not where; so they are looked for. */
function aliasProblems(file: ManifestFile, document: Document, lines: LineCounter): readonly Problem[] {
  const problems: Problem[] = [];
  // Asking each alias to resolve itself would walk the whole document every time.
  const anchors = new Set<string>();
  visit(document, {
    Alias: (_, alias) => {
      if (anchors.has(alias.source)) return;
      const place = placeAt(file.path, lines, alias.range?.[0] ?? 0);
      problems.push(documentProblem(place, `no anchor &${alias.source} stands before this alias`));
    },
    Value: (_, node) => {
      if (node.anchor !== undefined) anchors.add(node.anchor);
    },
  });
  return problems;
}

function yamlProblem(
  file: ManifestFile,
  lines: LineCounter,
  error: YAMLError,
  severity: Problem["severity"],
): Problem {
  const place = placeAt(file.path, lines, error.pos[0]);
  return { ...documentProblem(place, yamlMessage(error)), severity };
}

function yamlMessage(error: YAMLError): string {
  if (error.code === "DUPLICATE_KEY") return "the key stands twice in one mapping";
  // The library catches its own exhausted stack and passes it on as an error of the document.
  return error.message.includes("call stack") ? "nested too deeply" : error.message;
}

function documentProblem(place: Place, message: string): Problem {
  return { severity: "error", ...place, object: "", path: "", message, expected: "", found: "" };
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
