/**
 * Each rule on small samples: it finds what it should, where it should, and leaves alone what is right. A rule
 * that cannot fail guards nothing.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { missingEntries, withEntries } from "../../scripts/lockfile/missing-entries.ts";
import { cycles } from "./cycles.ts";
import { namedDependencies, noRegistry } from "./dependencies.ts";
import { checkPages } from "./generated.ts";
import { layers } from "./layers.ts";
import { links } from "./links.ts";
import { completeLockfile } from "./lockfile.ts";
import { purity } from "./purity.ts";
import type { Rule } from "./rule.ts";
import { RULES } from "./rules.ts";
import { fileLength, fileNames, headComment, noBarrels, noDefaultExports, noNotes } from "./shape.ts";

/** `path:line` of each finding, for files given as a table. */
function found(rule: Rule, files: Readonly<Record<string, string>>): string[] {
  const repository = { files: Object.entries(files).map(([path, text]) => ({ path, text })) };
  return rule.check(repository).map(({ path, line }) => `${path}:${line}`);
}

function expect(
  rule: Rule,
  cases: readonly (readonly [files: Record<string, string>, ...where: string[]])[],
): void {
  tested.add(rule);
  for (const [files, ...where] of cases) assert.deepEqual(found(rule, files), where, JSON.stringify(files));
}

const tested = new Set<Rule>();

test("layers", () => {
  expect(layers, [
    [{ "src/core/a.ts": 'import type { E } from "../model/e.ts";\nexport { r } from "../std/ring.ts";' }],
    [{ "src/model/a.ts": '// x\nimport { b } from "../core/b.ts";' }, "src/model/a.ts:2"],
    [{ "src/core/a.ts": 'import {\n  b,\n} from "../config/b.ts";' }, "src/core/a.ts:3"],
    [{ "src/core/x/a.ts": 'export * from "../../app/b.ts";' }, "src/core/x/a.ts:1"],
    [{ "src/core/a.ts": 'const b = await import("../app/b.ts");' }, "src/core/a.ts:1"],
    [{ "src/core/a.ts": 'import "yaml";' }, "src/core/a.ts:1"],
    [{ "src/std/a.ts": 'import { createHash } from "node:crypto";' }, "src/std/a.ts:1"],
    [{ "src/edge/a.ts": 'import { s } from "../sim/s.ts";' }, "src/edge/a.ts:1"],
    [{ "src/sim/a.ts": 'import { s } from "../edge/s.ts";' }, "src/sim/a.ts:1"],
    [{ "src/app/a.ts": 'import { s } from "../edge/s.ts";' }, "src/app/a.ts:1"],
    [{ "src/edge/a.ts": 'import { s } from "../../test/kit/s.ts";' }, "src/edge/a.ts:1"],
    [{ "src/extra/a.ts": "" }, "src/extra/a.ts:1"],
    [{ "src/a.ts": "" }, "src/a.ts:1"],
    [{ "src/cli/a.ts": 'import p from "../../package.json" with { type: "json" };\nimport "../sim/a.ts";' }],
    [{ "src/config/a.ts": 'import { parse } from "yaml";' }],
    [{ "src/core/a.test.ts": 'import { test } from "node:test";' }],
    [{ "src/core/a.ts": '// import "yaml";\nconst s = `import "yaml";`;\nconst t = \'from "yaml"\';' }],
  ]);
});

test("cycles", () => {
  const one = { "src/a.ts": 'import "./b.ts";', "src/b.ts": 'import "./c.ts";' };
  expect(cycles, [
    [one],
    [{ ...one, "src/c.ts": '\nimport type { A } from "./a.ts";' }, "src/c.ts:2"],
    [{ "src/a.ts": 'import "./a.ts";' }, "src/a.ts:1"],
    [{ ...one, "src/c.ts": "", "src/d.ts": 'import "./b.ts";\nimport "./c.ts";' }],
  ]);
});

test("purity", () => {
  const impure = [
    "const now = Date.now();",
    "const now = new Date();",
    "const now = new Date(0);",
    "x = Math.random();",
    "x = performance.now();",
    "setTimeout(f, 1);",
    "setInterval(f, 1);",
    "setImmediate(f);",
    "await f();",
    "async function f() {}",
    "console.log(1);",
    "x = process.hrtime();",
    "const f = `${Math.random()}`;",
  ];
  for (const code of impure) expect(purity, [[{ "src/core/a.ts": `\n${code}` }, "src/core/a.ts:2"]]);
  for (const code of impure) expect(purity, [[{ "src/app/a.ts": code }], [{ "src/core/a.test.ts": code }]]);
  expect(purity, [
    [{ "src/std/a.ts": "// Date.now()\n/* await */ const s = 'Math.random()';" }],
    [{ "src/std/a.ts": "const r = /Date.now'/; const s = `await ${a / b} async`; // '" }],
    [{ "src/std/a.ts": "const r = /['\"`]/g;\nDate.now();" }, "src/std/a.ts:2"],
    [{ "src/std/a.ts": "const s = `${f({ a: `}` })} ${Date.now()}`;" }, "src/std/a.ts:1"],
    [{ "src/std/a.ts": "const awaited = asyncLike.setTimeout; type D = UpDate; a.process = b;" }],
  ]);
});

test("the shape of files", () => {
  expect(fileLength, [
    [
      {
        "test/a.ts": "x\n".repeat(400),
        "src/generated/b.ts": "x\n".repeat(500),
        "docs/c.md": "x\n".repeat(500),
      },
    ],
    [{ "test/a.ts": "x\n".repeat(401) }, "test/a.ts:401"],
  ]);
  expect(headComment, [
    [
      {
        "src/a.ts": "/**\n * Why.\n */\n",
        "src/b.ts": "// Why.\n",
        "src/c.ts": "#!/usr/bin/env node\n// Why.\n",
      },
    ],
    [{ "src/a.ts": "export const a = 1;\n" }, "src/a.ts:1"],
    [{ "src/a.ts": "/** */\nexport const a = 1;\n" }, "src/a.ts:1"],
  ]);
  expect(fileNames, [
    [{ "src/edge/http/a-b2.test.ts": "", "README.md": "", "deploy/Chart.yaml": "" }],
    [{ "src/edge/fooBar.ts": "" }, "src/edge/fooBar.ts:1"],
    [{ "test/Foo/bar.ts": "" }, "test/Foo/bar.ts:1"],
    [{ "scripts/a_b.ts": "" }, "scripts/a_b.ts:1"],
  ]);
  expect(noBarrels, [
    [{ "src/core/indexes.ts": "", "test/index.ts": "" }],
    [{ "src/core/index.ts": "" }, "src/core/index.ts:1"],
  ]);
  expect(noDefaultExports, [
    [{ "src/a.ts": "// export default\nexport const defaults = 1;" }],
    [{ "src/a.ts": "\nexport default 1;" }, "src/a.ts:2"],
    [{ "src/a.ts": "export { a as default };" }, "src/a.ts:1"],
  ]);
  const note = ["TO", "DO"].join("");
  expect(noNotes, [
    [{ "src/a.ts": `// ${note}S, ${note.toLowerCase()}` }],
    [{ "src/a.ts": `\n// ${note}: later` }, "src/a.ts:2"],
  ]);
});

test("links", () => {
  const docs = { "docs/a.md": "# One\n## Two words\n## Two words\n", "docs/b.md": "" };
  expect(links, [
    [
      {
        ...docs,
        "README.md": "[a](docs/a.md) [b](docs/a.md#two-words-1) [c](https://x/y.md) [d](docs) [e](docs/)",
      },
    ],
    [{ ...docs, "README.md": "\n[a](docs/c.md)" }, "README.md:2"],
    [{ ...docs, "docs/b.md": "[a](a.md) [b](../README.md)" }, "docs/b.md:1"],
    [{ ...docs, "README.md": "[a](docs/a.md#three)" }, "README.md:1"],
    [{ ...docs, "README.md": "[a]: docs/c.md\n" }, "README.md:1"],
    [{ ...docs, "README.md": "![a](docs/a.png)" }, "README.md:1"],
    [{ ...docs, "README.md": "```md\n[a](docs/c.md)\n```\n`[a](docs/c.md)`" }],
  ]);
});

test("generated pages", () => {
  const pages = [{ path: "docs/a.md", render: () => "1\n2\n" }];
  assert.deepEqual(checkPages(pages, [{ path: "docs/a.md", text: "1\n2\n" }]), []);
  assert.equal(checkPages(pages, [{ path: "docs/a.md", text: "1\n3\n" }])[0]?.line, 2);
  assert.equal(checkPages(pages, [])[0]?.message, "is missing");
});

test("dependencies", () => {
  const manifest = '{\n"dependencies": {\n"ws": "1" }, "devDependencies": { "@a/b": "1" } }';
  expect(namedDependencies, [
    [{ "package.json": manifest, "ARCHITECTURE.md": "`ws`, @a/b." }],
    [{ "package.json": manifest, "ARCHITECTURE.md": "news, @a/b-c" }, "package.json:3", "package.json:3"],
    [{ "package.json": '{ "dependencies": { "ws": "1" } }' }, "package.json:1"],
  ]);
  const host = ["registry", "npmjs", "org"].join(".");
  expect(noRegistry, [
    [{ "package-lock.json": '{ "resolved": "runtime", "link": true }', ".npmrc": "ignore-scripts=true" }],
    [{ "docs/a.md": `\nhttps://${host}/x` }, "docs/a.md:2"],
    [{ ".npmrc": "\nregistry=https://mirror.example/" }, ".npmrc:2"],
    [{ "package-lock.json": '\n"resolved": "https://mirror.example/x.tgz"' }, "package-lock.json:2"],
  ]);
});

test("the lockfile", () => {
  const parent = { optionalDependencies: { "@a/b-linux-x64-musl": "1.2.3" } };
  const text = (packages: object): string => JSON.stringify({ packages }, null, 1);
  const entry = { version: "1.2.3", optional: true };
  expect(completeLockfile, [
    [{ "package-lock.json": text({ a: parent, "node_modules/@a/b-linux-x64-musl": entry }) }],
    [
      {
        "package-lock.json": text({
          "node_modules/a": parent,
          "node_modules/a/node_modules/@a/b-linux-x64-musl": entry,
        }),
      },
    ],
    [{ "package-lock.json": text({ "node_modules/a": parent }) }, "package-lock.json:5"],
  ]);
  const lockfile = { packages: { "node_modules/z": parent } };
  assert.deepEqual(withEntries(lockfile, missingEntries(lockfile)), {
    packages: {
      "node_modules/@a/b-linux-x64-musl": {
        version: "1.2.3",
        cpu: ["x64"],
        libc: ["musl"],
        optional: true,
        os: ["linux"],
      },
      "node_modules/z": parent,
    },
  });
});

test("every rule that runs is tested here", () => {
  const untested = RULES.filter((rule) => !tested.has(rule)).map(({ name }) => name);
  // Its check reads the real pages; `checkPages`, tested above, is all there is to it.
  assert.deepEqual(untested, ["generated pages are up to date"]);
});
