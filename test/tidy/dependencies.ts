/**
 * Dependencies: each is a decision that ARCHITECTURE.md gives the reason for, and none is bound to where one
 * machine happened to download it.
 */
import { findAll, type Finding, type Rule, type TextFile } from "./rule.ts";

const SECTIONS = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"] as const;

type Manifest = Readonly<Partial<Record<(typeof SECTIONS)[number], Readonly<Record<string, string>>>>>;

export const namedDependencies: Rule = {
  name: "every dependency of package.json is named in ARCHITECTURE.md",
  reason:
    "A dependency is code we answer for. Say in ARCHITECTURE.md what it is for and why it is not our own.",
  check: (repository) => {
    const manifest = repository.files.find(({ path }) => path === "package.json");
    const architecture = repository.files.find(({ path }) => path === "ARCHITECTURE.md");
    if (!manifest) return [];
    return dependenciesOf(manifest)
      .filter((name) => !mentions(architecture?.text ?? "", name))
      .map((name) => ({
        path: manifest.path,
        line: lineOf(manifest, `"${name}":`),
        message: architecture ? `${name} is not named` : `${name} is not named: there is no ARCHITECTURE.md`,
      }));
  },
};

function dependenciesOf(manifest: TextFile): string[] {
  const parsed = JSON.parse(manifest.text) as Manifest;
  return SECTIONS.flatMap((section) => Object.keys(parsed[section] ?? {}));
}

/** As a word of its own: `ws` is not named by "news". */
function mentions(text: string, name: string): boolean {
  const escaped = name.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  return new RegExp(`(?<![\\w@/-])${escaped}(?![\\w/-])`).test(text);
}

function lineOf(file: TextFile, text: string): number {
  return file.text.slice(0, Math.max(0, file.text.indexOf(text))).split("\n").length;
}

// Put together so that this file does not find itself.
const REGISTRY_HOSTS = [
  ["registry", "npmjs", "org"],
  ["registry", "yarnpkg", "com"],
  ["npm", "pkg", "github", "com"],
  ["pypi", "org"],
  ["files", "pythonhosted", "org"],
  ["deb", "debian", "org"],
  ["proxy", "golang", "org"],
].map((parts) => parts.join("\\."));

const HOST = new RegExp(`(?<![\\w.-])(?:${REGISTRY_HOSTS.join("|")})(?![\\w-])`, "g");
const SETTING = /^[ \t]*(?:@[\w-]+:)?registry\s*=.*$/gm;
const RESOLVED = /"resolved":\s*"[a-z+]+:[^"]*"/g;

export const noRegistry: Rule = {
  name: "no registry is named",
  reason:
    "Where packages come from is the machine's business (a mirror, a cache, offline): a name in the repository breaks the " +
    "build everywhere else. `omit-lockfile-registry-resolved` in .npmrc keeps lockfiles clean.",
  check: (repository) => repository.files.flatMap(checkRegistry),
};

function checkRegistry(file: TextFile): Finding[] {
  return [
    ...findAll(file, file.text, HOST, (match) => `names ${match}`),
    ...(file.path.endsWith(".npmrc")
      ? findAll(file, file.text, SETTING, (match) => `sets ${match.trim()}`)
      : []),
    ...(file.path.endsWith("package-lock.json")
      ? findAll(file, file.text, RESOLVED, (match) => `records ${match}`)
      : []),
  ];
}
