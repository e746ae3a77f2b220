/** Watching a real folder: one call per settled change, link swaps, and files that come and go. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readManifests } from "./read.ts";
import { watchManifests } from "./watch.ts";

const INTERVAL_MS = 15;
/** Long enough for several looks on a slow machine. */
const QUIET_MS = INTERVAL_MS * 12;

interface Watched {
  readonly root: string;
  readonly count: () => number;
  /** Resolves when the count has reached `wanted`; fails after ten seconds. */
  readonly reached: (wanted: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

async function folder(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "plimsoll-watch-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  return root;
}

async function watched(t: TestContext): Promise<Watched> {
  const root = await folder(t);
  await writeFile(join(root, "a.yaml"), "1");
  const abort = new AbortController();
  const told = { count: 0 };
  const { fingerprint } = await readManifests([root]);
  const done = watchManifests([root], {
    intervalMs: INTERVAL_MS,
    since: fingerprint,
    signal: abort.signal,
    onChange: () => {
      told.count++;
    },
  });
  // The watch itself keeps nothing alive; this does, so that the test can wait for it.
  const alive = setInterval(() => {}, 1_000);
  const stop = async (): Promise<void> => {
    clearInterval(alive);
    abort.abort();
    await done;
  };
  t.after(stop);
  const reached = async (wanted: number): Promise<void> => {
    const until = performance.now() + 10_000;
    while (told.count !== wanted && performance.now() < until) await sleep(INTERVAL_MS);
    assert.equal(told.count, wanted);
  };
  return { root, count: () => told.count, reached, stop };
}

test("a changed, an added, a removed and a renamed file are each told once", async (t) => {
  const { root, count, reached } = await watched(t);
  await sleep(QUIET_MS);
  assert.equal(count(), 0);
  // By rename, as writing in place passes through an empty file that a slow machine could show for an interval.
  await writeFile(join(root, ".next"), "2");
  await rename(join(root, ".next"), join(root, "a.yaml"));
  await reached(1);
  await writeFile(join(root, "b.yaml"), "");
  await reached(2);
  await rename(join(root, "b.yaml"), join(root, "c.yaml"));
  await reached(3);
  await rm(join(root, "c.yaml"));
  await reached(4);
  await sleep(QUIET_MS);
  assert.equal(count(), 4);
});

test("what happens between reading and watching is not lost", async (t) => {
  const root = await folder(t);
  await writeFile(join(root, "a.yaml"), "1");
  const { fingerprint } = await readManifests([root]);
  await writeFile(join(root, "a.yaml"), "2");
  const abort = new AbortController();
  const alive = setInterval(() => {}, 1_000);
  t.after(() => clearInterval(alive));
  const told = new Promise<void>((resolve) => {
    const onChange = (): void => {
      abort.abort();
      resolve();
    };
    const options = { intervalMs: INTERVAL_MS, since: fingerprint, signal: abort.signal, onChange };
    void watchManifests([root], options);
  });
  await told;
});

test("the swap of a ConfigMap's data link is a change", async (t) => {
  const { root, reached } = await watched(t);
  for (const version of ["..v1", "..v2"]) {
    await mkdir(join(root, version));
    await writeFile(join(root, version, "web.yaml"), version);
  }
  await symlink("..v1", join(root, "..data"));
  await symlink("..data/web.yaml", join(root, "web.yaml"));
  await reached(1);
  await symlink("..v2", join(root, "..tmp"));
  await rename(join(root, "..tmp"), join(root, "..data"));
  await reached(2);
});

test("a folder that vanishes and comes back is told and kills nothing", async (t) => {
  const { root, reached, stop } = await watched(t);
  await rename(root, `${root}-away`);
  await reached(1);
  await rename(`${root}-away`, root);
  await reached(2);
  await stop();
});

test("files that come and go all the time are told once they rest, and the watch survives", async (t) => {
  const root = await folder(t);
  const abort = new AbortController();
  const alive = setInterval(() => {}, 1_000);
  t.after(() => clearInterval(alive));
  const onChange = (): void => {
    if (existsSync(join(root, "last.yaml"))) abort.abort();
  };
  const done = watchManifests([root], { intervalMs: INTERVAL_MS, signal: abort.signal, onChange });
  const until = performance.now() + 300;
  for (let turn = 0; performance.now() < until; turn++) {
    await writeFile(join(root, `x${turn % 7}.yaml`), String(turn));
    await rm(join(root, `x${(turn + 3) % 7}.yaml`), { force: true });
  }
  await writeFile(join(root, "last.yaml"), "");
  await done;
});

test("an aborted signal ends the watch, and an error in onChange is the caller's to see", async (t) => {
  const failed = new Error("reload failed");
  const root = await folder(t);
  const alive = setInterval(() => {}, 1_000);
  t.after(() => clearInterval(alive));
  const onChange = (): void => {
    throw failed;
  };
  const options = { intervalMs: INTERVAL_MS, since: "something else", onChange };
  await watchManifests([root], { ...options, signal: AbortSignal.abort() });
  await assert.rejects(watchManifests([root], { ...options, signal: new AbortController().signal }), failed);
});
