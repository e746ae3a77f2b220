/**
 * Manifest files from disk, as texts with their paths. What cannot be read becomes a problem; nothing throws.
 */
import { open } from "node:fs/promises";
import type { Problem } from "../../model/problem.ts";
import { FILES_MAX, listManifests, reasonOf } from "./list.ts";
import type { ListFault } from "./list.ts";
import { fingerprintOf } from "./fingerprint.ts";

export interface ManifestText {
  readonly path: string;
  readonly text: string;
}

export interface ReadManifests {
  readonly files: readonly ManifestText[];
  readonly problems: readonly Problem[];
  /**
   * What was on disk just before it was read. A watcher started `since` it sees every later change, so none falls
   * between reading and watching.
   */
  readonly fingerprint: string;
}

export interface ReadLimits {
  readonly filesMax: number;
  readonly bytesMax: number;
}

/** 64 MiB of manifests is several times the largest clusters' routes and endpoints; the rest is left unread. */
export const READ_LIMITS: ReadLimits = { filesMax: FILES_MAX, bytesMax: 64 * 1024 * 1024 };

/** A BOM is dropped and malformed UTF-8 refused: a replacement character inside a hostname would go unnoticed. */
const UTF8 = new TextDecoder("utf-8", { fatal: true });

export async function readManifests(
  paths: readonly string[],
  limits: ReadLimits = READ_LIMITS,
): Promise<ReadManifests> {
  const listing = await listManifests(paths, limits.filesMax);
  const files: ManifestText[] = [];
  const problems = listing.faults.map((fault) => faultProblem(fault, limits));
  let bytesLeft = limits.bytesMax;
  for (const { path } of listing.files) {
    try {
      const bytes = await readUpTo(path, bytesLeft);
      if (bytes === undefined) {
        problems.push(
          problemOf("error", path, `more than ${limits.bytesMax} bytes of manifests; not read from here on`),
        );
        break;
      }
      bytesLeft -= bytes.length;
      files.push({ path, text: UTF8.decode(bytes) });
    } catch (error) {
      problems.push(problemOf("error", path, unreadable(error)));
    }
  }
  return { files, problems, fingerprint: fingerprintOf(listing) };
}

/** Undefined where the file holds more than allowed. Sizes are not trusted: the file may grow while it is read. */
async function readUpTo(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  const handle = await open(path, "r");
  try {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(64 * 1024));
      if (bytesRead === 0) return Buffer.concat(chunks);
      length += bytesRead;
      if (length > bytesMax) return undefined;
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

function unreadable(error: unknown): string {
  const isEncoding =
    error instanceof TypeError && "code" in error && error.code === "ERR_ENCODING_INVALID_ENCODED_DATA";
  return isEncoding ? "the file is not UTF-8" : `the file cannot be read: ${reasonOf(error)}`;
}

function faultProblem(fault: ListFault, limits: ReadLimits): Problem {
  switch (fault.kind) {
    case "unreadable":
      return problemOf("error", fault.path, `cannot be read: ${fault.reason}`);
    case "empty-folder":
      return problemOf("warning", fault.path, "the folder holds no *.yaml, *.yml or *.json file");
    case "too-many":
      return problemOf("error", fault.path, `more than ${limits.filesMax} files; not read from here on`);
  }
}

function problemOf(severity: Problem["severity"], file: string, message: string): Problem {
  return { severity, file, line: 1, column: 1, object: "", path: "", message, expected: "", found: "" };
}
