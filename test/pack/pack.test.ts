/**
 * The published form: what `npm pack` makes, installed into an empty folder, runs there.
 *
 * Slow (it compiles, packs and installs), hence `npm run test:pack` and not `npm test`. Installing needs the
 * registry for the few runtime dependencies; where that cannot be reached, this part is skipped and says so.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

const ROOT = join(import.meta.dirname, "../..");

/** What the tarball may hold: prefixes of folders, and whole names. */
const ALLOWED = /^(?:bin\/plimsoll|dist\/.+|examples\/.+|LICENSE|README\.md|package\.json)$/;

/** npm's names for a registry that cannot be reached, as opposed to one that refuses. */
const UNREACHABLE =
  /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT/;

const scratch = mkdtempSync(join(tmpdir(), "plimsoll-pack-"));
after(() => rmSync(scratch, { recursive: true }));

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[], cwd: string): Promise<Result> {
  // npm tells scripts its configuration by npm_* variables; a stranger's shell has none of them.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

/** .npmrc forbids install scripts, and with them `prepack`; whoever packs allows it for that once. */
async function pack(): Promise<Packed> {
  const args = ["pack", "--ignore-scripts=false", "--json", "--pack-destination", scratch];
  const { code, stdout, stderr } = await run("npm", args, ROOT);
  assert.equal(code, 0, stderr);
  // What `prepack` prints stands before the JSON.
  const packed = JSON.parse(stdout.slice(stdout.search(/^\[$/m))) as [Packed];
  return packed[0];
}

const packed = pack();

test("the tarball holds the command, what was built, examples and papers, and nothing else", async () => {
  const { files } = await packed;
  const paths = files.map(({ path }) => path);
  assert.deepEqual(
    paths.filter((path) => !ALLOWED.test(path)),
    [],
  );
  assert.deepEqual(
    paths.filter((path) => /\.test\.|\.tsbuildinfo$/.test(path)),
    [],
  );
  for (const path of ["bin/plimsoll", "dist/cli/main.js", "dist/cli/main.d.ts", "LICENSE", "README.md"]) {
    assert.ok(paths.includes(path), `${path} is missing`);
  }
  assert.equal((files.find(({ path }) => path === "bin/plimsoll")?.mode ?? 0) & 0o111, 0o111);
});

test("what was built imports what was built", async () => {
  const { files } = await packed;
  const wrong = files
    .filter(({ path }) => path.startsWith("dist/") && path.endsWith(".js"))
    .filter(({ path }) =>
      /\b(?:from|import)\s*\(?\s*"\.[^"]*\.ts"/.test(readFileSync(join(ROOT, path), "utf8")),
    );
  assert.deepEqual(wrong, []);
});

test("installed into an empty folder it runs", async (t) => {
  const { filename } = await packed;
  const folder = join(scratch, "empty");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  const install = ["install", "--no-audit", "--no-fund", "--fetch-retries=1", join(scratch, filename)];
  const installed = await run("npm", install, folder);
  if (installed.code !== 0 && UNREACHABLE.test(installed.stderr)) {
    t.skip("the package registry cannot be reached");
    return;
  }
  assert.equal(installed.code, 0, installed.stderr);

  const names = readdirSync(join(folder, "node_modules"));
  assert.deepEqual(
    names.filter((name) => name.startsWith("node-") || name === "plimsoll-runtime" || name === "typescript"),
    [],
    "what only development needs was installed",
  );

  const command = join(folder, "node_modules/.bin/plimsoll");
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  const asked = await run(command, ["--version"], folder);
  assert.deepEqual([asked.code, asked.stdout.trim(), asked.stderr], [0, version, ""]);

  const examples = "node_modules/plimsoll/examples/quickstart";
  assert.ok(existsSync(join(folder, examples)));
  const checked = await run(command, ["check", examples], folder);
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
});
