/** Every manifest shown in the documents is one that loads and compiles without a complaint. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compile } from "../../src/config/compile.ts";
import { formatProblem } from "../../src/config/format-problem.ts";
import { loadManifests } from "../../src/config/load.ts";

const DOCS = join(import.meta.dirname, "../../docs");

for (const name of ["configuration.md", "inference-configuration.md", "routing.md"]) {
  test(`the manifests in docs/${name}`, () => {
    const text = readFileSync(join(DOCS, name), "utf8");
    const blocks = [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => match[1] ?? "");
    assert.ok(blocks.length > 0, "the document shows no manifest");
    const { resources, problems } = loadManifests(
      blocks.map((block, index) => ({ path: `${name}#${index}`, text: block })),
    );
    const compiled = compile(resources);
    assert.deepEqual([...problems, ...compiled.problems].map(formatProblem), []);
    assert.ok(compiled.config.listeners.some(({ rules }) => rules.length > 0));
  });
}
