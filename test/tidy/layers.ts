/**
 * Layers: who may import whom.
 */
import { importsOf } from "./imports.ts";
import { codeIn, isTest, type Finding, type Rule, type TextFile } from "./rule.ts";

/** From left to right. Layers of one rank do not import each other: `sim` stands where `edge` stands. */
const RANKS: readonly (readonly string[])[] = [
  ["std"],
  ["model"],
  ["core"],
  ["config"],
  ["app"],
  ["edge", "sim"],
  ["cli"],
];

/** Layers that stand on the language alone: no npm package and nothing of Node's. */
export const PURE_LAYERS: readonly string[] = ["std", "model", "core"];

export const layers: Rule = {
  name: "a layer imports only from itself and from those to its left",
  reason:
    "std <- model <- core <- config <- app <- edge <- cli, with sim beside edge: what decides must not depend on what " +
    "carries it, or it can be neither simulated nor tested without sockets (ARCHITECTURE.md).",
  check: (repository) =>
    codeIn(repository, "src")
      .filter(({ path }) => !isTest(path))
      .flatMap(checkFile),
};

export function layerOf(path: string): string | undefined {
  const [top, layer, ...rest] = path.split("/");
  return top === "src" && rest.length > 0 ? layer : undefined;
}

function rankOf(layer: string | undefined): number {
  return RANKS.findIndex((names) => layer !== undefined && names.includes(layer));
}

function checkFile(file: TextFile): Finding[] {
  const layer = layerOf(file.path);
  if (rankOf(layer) < 0) {
    return [
      { path: file.path, line: 1, message: `stands in no layer; src/ holds ${RANKS.flat().join(", ")}` },
    ];
  }
  return importsOf(file).flatMap(({ specifier, target, line }) => {
    const fault = target === undefined ? faultOfPackage(layer) : faultOfFile(layer, target);
    return fault === undefined ? [] : [{ path: file.path, line, message: `imports ${specifier}: ${fault}` }];
  });
}

function faultOfPackage(layer: string | undefined): string | undefined {
  if (layer === undefined || !PURE_LAYERS.includes(layer)) return undefined;
  return `${layer} imports neither npm packages nor Node's modules`;
}

function faultOfFile(layer: string | undefined, target: string): string | undefined {
  // The version stands in one place, and that place is package.json.
  if (target === "package.json") return undefined;
  const targetLayer = layerOf(target);
  const targetRank = rankOf(targetLayer);
  if (targetRank < 0) return "outside the layers of src/";
  if (targetLayer === layer || targetRank < rankOf(layer)) return undefined;
  return `${layer} stands left of or beside ${targetLayer}`;
}
