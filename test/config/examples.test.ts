/** Every folder of manifests in examples loads and compiles without a complaint, and serves something. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compile } from "../../src/config/compile.ts";
import { formatProblem } from "../../src/config/format-problem.ts";
import { loadManifests } from "../../src/config/load.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");

for (const name of ["quickstart", "inference"]) {
  test(`the manifests in examples/${name}`, () => {
    const paths = readdirSync(join(EXAMPLES, name)).filter((path) => path.endsWith(".yaml"));
    const { resources, problems } = loadManifests(
      paths.map((path) => ({ path, text: readFileSync(join(EXAMPLES, name, path), "utf8") })),
    );
    const compiled = compile(resources);
    assert.deepEqual([...problems, ...compiled.problems].map(formatProblem), []);
    assert.ok(compiled.config.listeners.some(({ rules }) => rules.length > 0));
    assert.ok(compiled.config.pools.every(({ endpoints }) => endpoints.length > 0));
  });
}
