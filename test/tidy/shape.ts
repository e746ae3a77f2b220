/**
 * The shape of files: length, names, heads, exports, no notes to self.
 */
import { blank } from "./blank.ts";
import { codeIn, findAll, type Repository, type Rule, type TextFile } from "./rule.ts";

const LINES_MAX = 400;

const CODE_FOLDERS = ["src", "test", "bench", "scripts", "web"] as const;

/** `body-reader.ts`, `body-reader.test.ts`. */
const FILE_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*\.[a-z]+$/;
const FOLDER_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

export const fileLength: Rule = {
  name: `hand-written files have at most ${LINES_MAX} lines`,
  reason: "One idea a file, 60 to 200 lines; past 400 it is two ideas. Split it where the second one begins.",
  check: (repository) =>
    codeIn(repository, ...CODE_FOLDERS)
      .filter(({ path }) => !path.includes("/generated/"))
      .map((file) => ({ file, lines: file.text.split("\n").length - 1 }))
      .filter(({ lines }) => lines > LINES_MAX)
      .map(({ file, lines }) => ({ path: file.path, line: LINES_MAX + 1, message: `has ${lines} lines` })),
};

export const headComment: Rule = {
  name: "every file of src begins with a head comment",
  reason:
    "It says what the file decides, where that comes from, in which units, and its invariants: what code cannot say.",
  check: (repository) =>
    codeIn(repository, "src")
      .filter(({ text }) => !/^(?:#!.*\n)?(?:\/\*\*?\s*\*?\s*[^\s*/]|\/\/ *\S)/.test(text))
      .map(({ path }) => ({ path, line: 1, message: "begins without one" })),
};

export const fileNames: Rule = {
  name: "files and folders are named in kebab-case",
  reason: "One way to write a name, so that nobody searches twice, on any file system.",
  check: (repository) =>
    codeIn(repository, ...CODE_FOLDERS)
      .filter(({ path }) => !isKebabPath(path))
      .map(({ path }) => ({ path, line: 1, message: "is not in kebab-case" })),
};

function isKebabPath(path: string): boolean {
  const parts = path.split("/");
  const name = parts.pop() ?? "";
  return FILE_NAME.test(name) && parts.every((folder) => FOLDER_NAME.test(folder));
}

export const noBarrels: Rule = {
  name: "no index.ts in src",
  reason:
    "A barrel hides who uses what, pulls in what nobody asked for, and makes cycles. Import the file that has the thing.",
  check: (repository) =>
    codeIn(repository, "src")
      .filter(({ path }) => /\/index\.[a-z]+$/.test(path))
      .map(({ path }) => ({ path, line: 1, message: "is a barrel" })),
};

export const noDefaultExports: Rule = {
  name: "no default exports in src",
  reason: "A named export has one name wherever it is used; a default export has as many as importers.",
  check: (repository) =>
    codeIn(repository, "src").flatMap((file) =>
      findAll(
        file,
        blank(file.text).code,
        /(?<![.\w$])export\s+default\b|(?<![.\w$])export\s*\{[^}]*\bas\s+default\b/g,
        () => "exports a default",
      ),
    ),
};

// Taken apart so that this file does not find itself.
const NOTES = ["TO,DO", "FIX,ME", "XX,X", "HA,CK"].map((word) => word.replace(",", ""));
const NOTE = new RegExp(`\\b(?:${NOTES.join("|")})\\b`, "g");

export const noNotes: Rule = {
  name: "no notes to self",
  reason: "What is left to do is an issue, where others see it; what is wrong is mended or told in the docs.",
  check: (repository) =>
    writtenFiles(repository).flatMap((file) => findAll(file, file.text, NOTE, (match) => `says ${match}`)),
};

function writtenFiles(repository: Repository): readonly TextFile[] {
  return repository.files.filter(({ path }) => !path.endsWith("package-lock.json") && path !== "LICENSE");
}
