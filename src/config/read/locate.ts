/**
 * From a path in an object to a place in its file, by walking the YAML tree the object came from.
 *
 * Aliases are followed and merge keys (`<<`) searched, so a value that came through an anchor is placed where it is
 * written. A path that leads nowhere yields its nearest existing ancestor.
 */
import { isAlias, isMap, isNode, isScalar, isSeq } from "yaml";
import type { Document, LineCounter, Node, Pair, YAMLMap } from "yaml";
import type { Locate, Path, Place } from "./path.ts";

interface Step {
  readonly key: Node | undefined;
  readonly value: Node | undefined;
}

/** `base` is the path of the object inside its document: empty, or into the items of a List. */
export function locateIn(file: string, document: Document, lines: LineCounter, base: Path): Locate {
  return (path, at) => {
    let key: Node | undefined;
    let value = asNode(document.contents);
    for (const part of [...base, ...path]) {
      const step = child(document, value, part);
      if (step === undefined) return placeOf(file, lines, value ?? key);
      key = step.key ?? step.value ?? key;
      value = step.value;
    }
    return placeOf(file, lines, at === "key" ? (key ?? value) : (value ?? key));
  };
}

export function placeAt(file: string, lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
}

function placeOf(file: string, lines: LineCounter, node: Node | undefined): Place {
  return placeAt(file, lines, node?.range?.[0] ?? 0);
}

function asNode(value: unknown): Node | undefined {
  return isNode(value) ? value : undefined;
}

function resolved(document: Document, node: Node | undefined): Node | undefined {
  return isAlias(node) ? node.resolve(document) : node;
}

function child(document: Document, parent: Node | undefined, part: string | number): Step | undefined {
  const node = resolved(document, parent);
  if (isSeq(node)) {
    const item = typeof part === "number" ? asNode(node.items[part]) : undefined;
    return item === undefined ? undefined : { key: undefined, value: item };
  }
  if (!isMap(node)) return undefined;
  const pair = pairOf(node, String(part)) ?? mergedPair(document, node, String(part));
  return pair === undefined ? undefined : { key: asNode(pair.key), value: asNode(pair.value) };
}

function pairOf(map: YAMLMap, name: string): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === name);
}

function mergedPair(document: Document, map: YAMLMap, name: string): Pair | undefined {
  const merged = resolved(document, asNode(map.items.find(isMerge)?.value));
  const sources = isSeq(merged) ? merged.items.map((item) => resolved(document, asNode(item))) : [merged];
  for (const source of sources) {
    const pair = isMap(source) ? pairOf(source, name) : undefined;
    if (pair !== undefined) return pair;
  }
  return undefined;
}

function isMerge(pair: Pair): boolean {
  return isScalar(pair.key) && (pair.key.value === "<<" || typeof pair.key.value === "symbol");
}
