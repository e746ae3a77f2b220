/**
 * bin/plimsoll: which Node it becomes, what it hands over, and what it says when there is none.
 *
 * Each test lays out a small installation of its own (the script, a program that prints what it was given, and
 * stand-ins for Node that print their name), so that nothing depends on what this machine has installed.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { waitUntil } from "../kit/wait.ts";

const SCRIPT = join(import.meta.dirname, "../../bin/plimsoll");
const PROGRAM =
  "console.log(JSON.stringify({ pid: process.pid, cwd: process.cwd(), args: process.argv.slice(2), flags: process.execArgv }));";

const scratch = mkdtempSync(join(tmpdir(), "plimsoll-launcher-"));
after(() => rmSync(scratch, { recursive: true }));

let count = 0;

/** A folder with bin/plimsoll and the given files; those under a bin folder are made executable. */
function install(files: Readonly<Record<string, string>>): string {
  const home = join(scratch, `home ${++count}`);
  mkdirSync(join(home, "bin"), { recursive: true });
  copyFileSync(SCRIPT, join(home, "bin/plimsoll"));
  for (const [path, text] of Object.entries({ "package.json": '{"type":"module"}', ...files })) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
    if (/bin\//.test(path)) chmodSync(join(home, path), 0o755);
  }
  return home;
}

/** A stand-in for Node that knows its version and otherwise prints its name and what it was asked to run. */
function fakeNode(name: string, version: string): string {
  return `#!/bin/sh\nif [ "$1" = --version ]; then echo ${version}; else echo ${name} "$@"; fi\n`;
}

interface Run {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly command?: string;
}

function run(home: string, options: Run = {}): { status: number | null; stdout: string; stderr: string } {
  const { env = {}, args = [], cwd = scratch, command = join(home, "bin/plimsoll") } = options;
  // Only the system's own folders, without any Node that may be there.
  const path = `${join(home, "path/bin")}:${join(scratch, "tools")}`;
  return spawnSync(command, args, { cwd, encoding: "utf8", env: { PATH: path, ...env } });
}

mkdirSync(join(scratch, "tools"));
for (const tool of ["sh", "dirname", "readlink", "echo"]) {
  const found = ["/bin", "/usr/bin"]
    .map((folder) => join(folder, tool))
    .find((file) => spawnSync("test", ["-x", file]).status === 0);
  if (found !== undefined) symlinkSync(found, join(scratch, "tools", tool));
}

const src = { "src/cli/main.ts": `const program: string = "x";\n${PROGRAM}` };

test("the order: PLIMSOLL_NODE, the pinned Node, one further up, the PATH", () => {
  const pinned = { "node_modules/.bin/node": fakeNode("pinned", "v24.21.0") };
  const path = { "path/bin/node": fakeNode("path", "v22.19.0") };
  const own = { "own/bin/node": fakeNode("own", "v26.1.0") };
  const home = install({ ...src, ...pinned, ...path, ...own });
  assert.match(run(home, { env: { PLIMSOLL_NODE: join(home, "own/bin/node") } }).stdout, /^own /);
  assert.match(run(home).stdout, /^pinned /);
  assert.match(run(install({ ...src, ...path })).stdout, /^path /);
  const outer = install(pinned);
  const inner = join(outer, "node_modules/plimsoll");
  mkdirSync(join(inner, "bin"), { recursive: true });
  copyFileSync(SCRIPT, join(inner, "bin/plimsoll"));
  mkdirSync(join(inner, "dist/cli"), { recursive: true });
  writeFileSync(join(inner, "dist/cli/main.js"), "");
  assert.match(run(inner).stdout, /^pinned .*dist\/cli\/main\.js$/m);
});

test("a Node that is too old or does not start is passed over, except the one that was named", () => {
  const path = { "path/bin/node": fakeNode("path", "v22.19.0") };
  const old = install({ ...src, ...path, "node_modules/.bin/node": fakeNode("old", "v22.18.9") });
  assert.match(run(old).stdout, /^path /);
  const broken = install({ ...src, ...path, "node_modules/.bin/node": "#!/nowhere/sh\n" });
  assert.match(run(broken).stdout, /^path /);
  const named = run(old, { env: { PLIMSOLL_NODE: join(old, "node_modules/.bin/node") } });
  assert.equal(named.status, 1);
  assert.match(named.stderr, /v22\.18\.9(.|\n)*PLIMSOLL_NODE/);
});

test("without a suitable Node it says what it tried and what to do, and exits 1", () => {
  const checkout = run(install({ ...src, "path/bin/node": fakeNode("path", "v20.20.2") }));
  assert.equal(checkout.status, 1);
  assert.match(checkout.stderr, /needs Node\.js 22\.19(.|\n)*v20\.20\.2(.|\n)*npm ci/);
  const published = run(install({ "dist/cli/main.js": "" }));
  assert.equal(published.status, 1);
  assert.match(published.stderr, /Install Node\.js 24/);
  const empty = run(install({ "path/bin/node": fakeNode("path", "v24.21.0") }));
  assert.equal(empty.status, 1);
  assert.match(empty.stderr, /installation is incomplete/);
});

test("a checkout runs its sources, the published form what was built; older Nodes are kept from warning", () => {
  const both = { ...src, "dist/cli/main.js": "" };
  const modern = run(install({ ...both, "path/bin/node": fakeNode("path", "v24.21.0") })).stdout;
  assert.match(modern, /^path \S.*src\/cli\/main\.ts$/m);
  const older = run(install({ ...both, "path/bin/node": fakeNode("path", "v22.19.0") })).stdout;
  assert.match(older, /^path --disable-sigusr1 --disable-warning=ExperimentalWarning .*src\/cli\/main\.ts$/m);
  const built = run(
    install({ "dist/cli/main.js": "", "path/bin/node": fakeNode("path", "v22.19.0") }),
  ).stdout;
  assert.match(built, /^path \S+.*dist\/cli\/main\.js$/m);
});

test("arguments and working folder arrive as they are, through a chain of links", () => {
  const home = install(src);
  mkdirSync(join(home, "links"));
  symlinkSync("../bin/plimsoll", join(home, "links/one"));
  symlinkSync("one", join(home, "links/two"));
  const args = ["a b", "", "$HOME", "*", "--flag=x y", "'\""];
  const env = { PLIMSOLL_NODE: process.execPath };
  const result = run(home, { args, env, cwd: home, command: join(home, "links/two") });
  assert.equal(result.stderr, "");
  const seen = JSON.parse(result.stdout) as { args: string[]; cwd: string };
  assert.deepEqual(seen.args, args);
  assert.ok(seen.cwd.endsWith(`home ${count}`));
});

test("there is one process: a signal reaches the program, and its exit code comes back", async () => {
  const main = 'process.on("SIGTERM", () => process.exit(7)); setInterval(() => {}, 1000);\n';
  const home = install({ "src/cli/main.ts": main + PROGRAM });
  const env = { PATH: "/usr/bin:/bin", PLIMSOLL_NODE: process.execPath };
  const child = spawn(join(home, "bin/plimsoll"), { env, stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  child.stdout.on("data", (piece: Buffer) => (printed += piece.toString()));
  await waitUntil(() => printed.endsWith("\n"), "the program starts");
  assert.equal((JSON.parse(printed) as { pid: number }).pid, child.pid);
  child.kill("SIGTERM");
  await waitUntil(() => child.exitCode !== null, "the program ends");
  assert.equal(child.exitCode, 7);
});
