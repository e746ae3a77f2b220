/** Reading manifests from a real folder: what counts as one, links as ConfigMaps have them, and the limits. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { readManifests, READ_LIMITS } from "./read.ts";
import type { ReadManifests } from "./read.ts";

async function folder(context: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "plimsoll-read-"));
  context.after(() => rm(root, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(root, name, ".."), { recursive: true });
    await writeFile(join(root, name), text);
  }
  return root;
}

function paths(root: string, { files }: ReadManifests): readonly string[] {
  return files.map(({ path }) => path.slice(root.length + 1));
}

test("takes manifests at any depth, sorted, and passes over hidden and other files", async (t) => {
  const root = await folder(t, {
    "b.yaml": "b",
    "a.yml": "a",
    "c/d.json": "d",
    "c/e.YAML": "e",
    "notes.txt": "x",
    ".hidden.yaml": "x",
    ".git/f.yaml": "x",
  });
  const read = await readManifests([root]);
  assert.deepEqual(paths(root, read), ["a.yml", "b.yaml", "c/d.json", "c/e.YAML"]);
  assert.deepEqual(
    read.files.map(({ text }) => text),
    ["a", "b", "d", "e"],
  );
  assert.deepEqual(read.problems, []);
});

test("a file that is named is read whatever it is called; paths keep their order and repeat nothing", async (t) => {
  const root = await folder(t, { "b.txt": "b", "sub/a.yaml": "a", ".c.yaml": "c" });
  const read = await readManifests([join(root, "b.txt"), join(root, ".c.yaml"), join(root, "sub"), root]);
  assert.deepEqual(paths(root, read), ["b.txt", ".c.yaml", "sub/a.yaml"]);
});

test("a mounted ConfigMap is read once through its links", async (t) => {
  const root = await folder(t, { "..2026_01/web.yaml": "v1" });
  await symlink("..2026_01", join(root, "..data"));
  await symlink("..data/web.yaml", join(root, "web.yaml"));
  const read = await readManifests([root]);
  assert.deepEqual(read.files, [{ path: join(root, "web.yaml"), text: "v1" }]);
});

test("links that lead in circles or twice to one file are followed once", async (t) => {
  const root = await folder(t, { "a/x.yaml": "x" });
  await symlink("..", join(root, "a/up"));
  await symlink("x.yaml", join(root, "a/y.yaml"));
  assert.deepEqual(paths(root, await readManifests([root])), ["a/x.yaml"]);
});

test("what cannot be read is a problem, and the rest is read", async (t) => {
  const root = await folder(t, { "good.yaml": "g", "empty/.keep": "" });
  await symlink("nowhere", join(root, "dangling.yaml"));
  await writeFile(join(root, "latin1.yaml"), Buffer.from([0x61, 0xe9, 0x61]));
  const read = await readManifests([join(root, "missing"), root, join(root, "empty"), "/dev/null"]);
  assert.deepEqual(paths(root, read), ["good.yaml"]);
  assert.deepEqual(
    read.problems.map(({ severity, file, message }) => [severity, file.replace(root, ""), message]),
    [
      ["error", "/missing", "cannot be read: ENOENT: no such file or directory"],
      ["error", "/dangling.yaml", "cannot be read: ENOENT: no such file or directory"],
      ["error", "/dev/null", "cannot be read: not a file or folder"],
      ["error", "/latin1.yaml", "the file is not UTF-8"],
    ],
  );
});

test("a folder without manifests is a warning", async (t) => {
  const root = await folder(t, { "notes.txt": "x" });
  const { problems } = await readManifests([root]);
  assert.deepEqual(
    problems.map(({ severity, message }) => [severity, message]),
    [["warning", "the folder holds no *.yaml, *.yml or *.json file"]],
  );
});

test("a byte order mark is not part of the text", async (t) => {
  const root = await folder(t, { "a.yaml": "\uFEFFkind: X" });
  const read = await readManifests([root]);
  assert.equal(read.files[0]?.text, "kind: X");
});

test("the limits on files and bytes are told and kept", async (t) => {
  const root = await folder(t, { "a.yaml": "aaaa", "b.yaml": "bbbb", "c.yaml": "cccc" });
  const fewer = await readManifests([root], { ...READ_LIMITS, filesMax: 2 });
  assert.deepEqual(paths(root, fewer), ["a.yaml", "b.yaml"]);
  assert.match(fewer.problems[0]?.message ?? "", /more than 2 files/);
  const less = await readManifests([root], { ...READ_LIMITS, bytesMax: 9 });
  assert.deepEqual(paths(root, less), ["a.yaml", "b.yaml"]);
  assert.match(less.problems[0]?.message ?? "", /more than 9 bytes/);
  const enough = await readManifests([root], { filesMax: 3, bytesMax: 12 });
  assert.deepEqual(enough.problems, []);
});
