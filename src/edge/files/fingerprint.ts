/**
 * One text that changes whenever the manifests on disk may have changed.
 *
 * Made of each file's path, inode, size and times, and of what could not be read: a file that vanishes, comes back or
 * loses its permission is a change too. Hashed, so that holding it costs nothing however many files there are.
 */
import { createHash } from "node:crypto";
import type { Listing } from "./list.ts";

export function fingerprintOf({ files, faults }: Listing): string {
  const hash = createHash("sha256");
  for (const { path, fingerprint } of files) hash.update(`${path}\0${fingerprint}\n`);
  for (const { kind, path } of faults) hash.update(`${kind}\0${path}\n`);
  return hash.digest("base64");
}
