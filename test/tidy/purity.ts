/**
 * Purity: the layers that decide know no clock, no chance, no waiting and no output.
 */
import { blank } from "./blank.ts";
import { layerOf, PURE_LAYERS } from "./layers.ts";
import { codeIn, findAll, isTest, type Rule } from "./rule.ts";

const FORBIDDEN = new RegExp(
  [
    // `new Date(0)` is pure, but what is it for, where times are numbers?
    String.raw`(?<![.\w$])(?:new\s+)?Date\s*(?:\(|\.\s*now\b)`,
    String.raw`(?<![.\w$])Math\s*\.\s*random\b`,
    String.raw`(?<![.\w$])(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b`,
    String.raw`(?<![.\w$])(?:async|await|Promise)\b`,
    String.raw`(?<![.\w$])(?:performance|console|process|crypto|globalThis)\s*\.`,
  ].join("|"),
  "g",
);

export const purity: Rule = {
  name: "std, model and core use no clock, chance, await, timer or console",
  reason:
    "Time is an argument of each call and the random generator is given once: the same seed gives the same decisions, in " +
    "the gateway, the picker and the simulator alike. Pass `nowMs` or a generator instead; do the waiting in app or edge.",
  check: (repository) =>
    codeIn(repository, "src")
      .filter(({ path }) => PURE_LAYERS.includes(layerOf(path) ?? "") && !isTest(path))
      .flatMap((file) =>
        findAll(file, blank(file.text).code, FORBIDDEN, (match) => `uses ${match.replaceAll(/\s+/g, "")}`),
      ),
};
