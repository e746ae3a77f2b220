/** Loading over several files: positions name the file, repeats name both, and nothing makes it throw. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compile } from "./compile.ts";
import { formatProblem } from "./format-problem.ts";
import { loadManifests, loadObjects } from "./load.ts";
import type { LoadMemory } from "./load.ts";

const SERVICE = "apiVersion: v1\nkind: Service\nmetadata: { name: api }\nspec: { ports: [{ port: 80 }] }\n";

test("an object defined in two files names both places, in the order the files were given", () => {
  const { resources, problems } = loadManifests([
    { path: "z.yaml", text: SERVICE },
    { path: "a.yaml", text: `# moved here\n${SERVICE}` },
  ]);
  assert.deepEqual(problems.map(formatProblem), [
    "a.yaml:2:1: error: Service default/api: the object is defined twice: first at z.yaml:1:1 (expected each object once)",
  ]);
  assert.equal(resources.services.length, 1);
});

test("problems come by file as given, then by place", () => {
  const wrong = SERVICE.replace("80", "0");
  const { problems } = loadManifests([
    { path: "z.yaml", text: `kind: X\n---\n${wrong}` },
    { path: "a.yaml", text: wrong },
  ]);
  assert.deepEqual(
    problems.map(({ file, line, column }) => `${file}:${line}:${column}`),
    ["z.yaml:1:1", "z.yaml:6:25", "a.yaml:4:25"],
  );
});

test("a memory saves reading files again and changes nothing else", () => {
  const memory: LoadMemory = new Map();
  const files = [
    { path: "a.yaml", text: SERVICE },
    { path: "b.yaml", text: SERVICE.replace("api", "web") },
  ];
  const first = loadManifests(files, memory);
  const again = loadManifests(files, memory);
  // The same objects by identity: nothing was parsed anew.
  assert.equal(again.resources.services[0]?.locate, first.resources.services[0]?.locate);
  const changed = [{ path: "a.yaml", text: SERVICE.replace("80", "0") }];
  const after = loadManifests(changed, memory);
  assert.deepEqual(after.problems, loadManifests(changed).problems);
  assert.deepEqual([...memory.keys()], ["a.yaml"]);
});

test("objects that come from no file are judged the same, placed at their source", () => {
  const value = { apiVersion: "v1", kind: "Service", metadata: { name: "api" }, spec: { prots: [] } };
  const locate = () => ({ file: "kubernetes", line: 1, column: 1 });
  const { problems } = loadObjects([{ value, locate }]);
  assert.match(
    formatProblem(problems[0]!),
    /^kubernetes:1:1: error: Service default\/api spec\.prots: unknown field; did you mean ports\?/,
  );
});

test("no text makes loading or compiling throw, and every problem has a place", () => {
  const piece = fc.constantFrom(
    "apiVersion: v1\n",
    "apiVersion: gateway.networking.k8s.io/v1\n",
    "kind: Service\n",
    "kind: HTTPRoute\n",
    "kind: List\n",
    "apiVersion: inference.networking.k8s.io/v1\n",
    "apiVersion: inference.networking.x-k8s.io/v1alpha2\n",
    "kind: InferencePool\n",
    "kind: InferenceModel\n",
    "kind: Pod\n",
    "spec: { selector: { __proto__: a }, targetPortNumber: 1 }\n",
    "metadata: { name: a }\n",
    "spec: { ports: [{ port: 80 }] }\n",
    "spec: { rules: [{}] }\n",
    "items: [{}, 1]\n",
    "---\n",
    "x: &a [*a]\n",
    "<<: *a\n",
    "? {a: b}\n",
    "\t",
    "  ",
    "- ",
    "[",
    "{",
    "}",
    '"',
    "null\n",
    "__proto__: {}\n",
    "\u0000",
    "%YAML 1.1\n",
    "!!set {a}\n",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      const { resources, problems } = loadManifests([{ path: "f", text: pieces.join("") }]);
      for (const problem of [...problems, ...compile(resources).problems]) {
        assert.ok(problem.line >= 1 && problem.column >= 1 && problem.message !== "");
        assert.equal(problem.file, "f");
      }
    }),
    { numRuns: 1_000 },
  );
});

test("texts nested beyond all measure are problems", () => {
  for (const text of ["[".repeat(20_000), "- ".repeat(20_000), "{a: ".repeat(10_000)]) {
    const { problems } = loadManifests([{ path: "f", text }]);
    assert.ok(problems.length >= 1 && problems.length <= 20);
  }
});
