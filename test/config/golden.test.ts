/**
 * Golden pairs for configuration: `name.in.yaml` is loaded and compiled, and everything that comes out (problems,
 * configuration, status) must be `name.out.yaml`. UPDATE_GOLDEN=1 rewrites the outputs; read the difference before
 * keeping it.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { stringify } from "yaml";
import { compile } from "../../src/config/compile.ts";
import { formatProblem } from "../../src/config/format-problem.ts";
import { loadManifests } from "../../src/config/load.ts";

const FOLDER = join(import.meta.dirname, "golden");
const INPUT = ".in.yaml";

function render(path: string, text: string): string {
  const { resources, problems } = loadManifests([{ path, text }]);
  const compiled = compile(resources);
  const told = [...problems, ...compiled.problems].map(formatProblem);
  // Through JSON first: undefined fields vanish as they do for every reader of /debug/config.
  const { config, status } = JSON.parse(JSON.stringify(compiled)) as Record<string, unknown>;
  return stringify({ problems: told, config, status }, { lineWidth: 0, aliasDuplicateObjects: false });
}

const names = readdirSync(FOLDER)
  .filter((name) => name.endsWith(INPUT))
  .map((name) => name.slice(0, -INPUT.length));

for (const name of names) {
  test(`golden: ${name}`, () => {
    const actual = render(`${name}${INPUT}`, readFileSync(join(FOLDER, `${name}${INPUT}`), "utf8"));
    const output = join(FOLDER, `${name}.out.yaml`);
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(output, actual);
    assert.equal(actual, readFileSync(output, "utf8"));
  });
}

test("every golden output has its input", () => {
  const outputs = readdirSync(FOLDER).filter((name) => name.endsWith(".out.yaml"));
  assert.deepEqual(
    outputs.map((name) => name.replace(".out.yaml", "")),
    names,
  );
});
