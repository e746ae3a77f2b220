/**
 * The lockfile has an entry for every package it speaks of, on whatever platform.
 */
import { missingEntries, type Lockfile } from "../../scripts/lockfile/missing-entries.ts";
import { lineAt, type Finding, type Rule, type TextFile } from "./rule.ts";

export const completeLockfile: Rule = {
  name: "package-lock.json is complete",
  reason:
    "`npm ci` refuses a lockfile that lacks the optional packages of other platforms, and `npm install` leaves them out " +
    "where the registry does not hold them. Run `npm run lock:complete`.",
  check: (repository) =>
    repository.files.filter(({ path }) => path === "package-lock.json").flatMap(checkLockfile),
};

function checkLockfile(file: TextFile): Finding[] {
  return missingEntries(JSON.parse(file.text) as Lockfile).map(({ path, parent }) => ({
    path: file.path,
    line: lineAt(file.text, file.text.indexOf(`"${path.replace("node_modules/", "")}":`)),
    message: `${parent} names ${path}, which has no entry`,
  }));
}
