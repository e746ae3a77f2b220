/**
 * The rules of the architecture that are tests. A rule nobody runs decays.
 */
import { cycles } from "./cycles.ts";
import { namedDependencies, noRegistry } from "./dependencies.ts";
import { generated } from "./generated.ts";
import { layers } from "./layers.ts";
import { links } from "./links.ts";
import { completeLockfile } from "./lockfile.ts";
import { purity } from "./purity.ts";
import type { Rule } from "./rule.ts";
import { fileLength, fileNames, headComment, noBarrels, noDefaultExports, noNotes } from "./shape.ts";

export const RULES: readonly Rule[] = [
  layers,
  cycles,
  purity,
  fileLength,
  headComment,
  fileNames,
  noBarrels,
  noDefaultExports,
  noNotes,
  links,
  generated,
  namedDependencies,
  noRegistry,
  completeLockfile,
];
