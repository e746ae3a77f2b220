/**
 * Which files a set of paths means: the walk that reading and watching share.
 *
 * A file that is named counts whatever it is called; in a folder, only *.yaml, *.yml and *.json do, at any depth.
 * Entries that begin with a dot are passed over, and visible symlinks are followed: in a mounted ConfigMap the visible
 * names are links through `..data` into a dated folder, so each file is found once, and a swap of `..data` is seen as
 * a change of what the links lead to. A file reached by two names counts under the first.
 */
import type { BigIntStats } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

export interface ListedFile {
  /** As reached from the given path: what problems name. */
  readonly path: string;
  /** Changes when the content may have: device, inode, size and time of change, of what links lead to. */
  readonly fingerprint: string;
}

export type ListFault =
  | { readonly kind: "unreadable"; readonly path: string; readonly reason: string }
  | { readonly kind: "empty-folder"; readonly path: string }
  | { readonly kind: "too-many"; readonly path: string };

export interface Listing {
  /** Given paths in their order; inside a folder sorted by name. */
  readonly files: readonly ListedFile[];
  readonly faults: readonly ListFault[];
}

/** Far beyond any sensible folder; here it is more likely that the wrong one was named. The rest is left out. */
export const FILES_MAX = 10_000;

const MANIFEST_NAME = /\.(?:ya?ml|json)$/i;

interface Walk {
  readonly files: ListedFile[];
  readonly faults: ListFault[];
  /** Real paths of files and folders already seen: duplicates, and cycles of links. */
  readonly seen: Set<string>;
  readonly filesMax: number;
}

export async function listManifests(
  paths: readonly string[],
  filesMax: number = FILES_MAX,
): Promise<Listing> {
  const walk: Walk = { files: [], faults: [], seen: new Set(), filesMax };
  for (const path of paths) {
    if (isFull(walk)) break;
    const found = await look(walk, path);
    if (found === undefined) continue;
    if (found.stats.isDirectory()) await visitNamedFolder(walk, path, found.real);
    else if (found.stats.isFile()) visitFile(walk, path, found);
    // Opening a pipe or a device could wait for ever.
    else walk.faults.push({ kind: "unreadable", path, reason: "not a file or folder" });
  }
  return { files: walk.files, faults: walk.faults };
}

function isFull({ faults }: Walk): boolean {
  return faults.at(-1)?.kind === "too-many";
}

interface Found {
  readonly stats: BigIntStats;
  readonly real: string;
}

/** Undefined, with the fault noted, where the path leads nowhere or may not be followed. */
async function look(walk: Walk, path: string): Promise<Found | undefined> {
  try {
    const real = await realpath(path);
    return { stats: await stat(real, { bigint: true }), real };
  } catch (error) {
    walk.faults.push({ kind: "unreadable", path, reason: reasonOf(error) });
    return undefined;
  }
}

async function visitNamedFolder(walk: Walk, path: string, real: string): Promise<void> {
  if (walk.seen.has(real)) return;
  const before = walk.files.length + walk.faults.length;
  await visitFolder(walk, path, real);
  if (walk.files.length + walk.faults.length === before) walk.faults.push({ kind: "empty-folder", path });
}

async function visitFolder(walk: Walk, path: string, real: string): Promise<void> {
  if (walk.seen.has(real)) return;
  walk.seen.add(real);
  for (const name of await namesIn(walk, path)) {
    if (isFull(walk)) return;
    const inner = join(path, name);
    const found = await look(walk, inner);
    if (found === undefined) continue;
    if (found.stats.isDirectory()) await visitFolder(walk, inner, found.real);
    else if (found.stats.isFile() && MANIFEST_NAME.test(name)) visitFile(walk, inner, found);
  }
}

async function namesIn(walk: Walk, path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return (
      entries
        .filter((entry) => !entry.name.startsWith("."))
        // A link may lead to a folder or a manifest under any name; anything else is known by its own.
        .filter((entry) => entry.isDirectory() || entry.isSymbolicLink() || MANIFEST_NAME.test(entry.name))
        .map((entry) => entry.name)
        .toSorted()
    );
  } catch (error) {
    walk.faults.push({ kind: "unreadable", path, reason: reasonOf(error) });
    return [];
  }
}

function visitFile(walk: Walk, path: string, { stats, real }: Found): void {
  if (walk.seen.has(real)) return;
  if (walk.files.length >= walk.filesMax) {
    walk.faults.push({ kind: "too-many", path });
    return;
  }
  walk.seen.add(real);
  const fingerprint = `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
  walk.files.push({ path, fingerprint });
}

/** `ENOENT: no such file or directory`, without the system call and path Node appends. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(",")[0] ?? message;
}
