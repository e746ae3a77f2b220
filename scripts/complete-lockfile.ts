/**
 * Adds to package-lock.json the optional packages that npm left out: `npm run lock:complete`, after any
 * `npm install` that changed dependencies.
 *
 * Packages with a binary inside come as one optional package for each platform. When the registry at hand does
 * not hold one of them (a mirror that keeps only some platforms), `npm install` silently leaves it out of the
 * lockfile, and `npm ci` then refuses the lockfile as incomplete: on that machine and on every other one.
 *
 * The entry added here names version, system and processor, and carries no integrity, since nobody here has seen
 * the package. npm skips it where the platform does not fit, and that is everywhere but on its own platform.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { missingEntries, withEntries, type Lockfile } from "./lockfile/missing-entries.ts";

const FILE = join(import.meta.dirname, "../package-lock.json");

const lockfile = JSON.parse(readFileSync(FILE, "utf8")) as Lockfile;
const missing = missingEntries(lockfile);
if (missing.length > 0) writeFileSync(FILE, `${JSON.stringify(withEntries(lockfile, missing), null, 2)}\n`);
for (const { path, entry } of missing) console.log(`added ${path} ${entry.version}`);
console.log(missing.length === 0 ? "package-lock.json is complete" : `${missing.length} entries added`);
