/**
 * What a rule of the architecture is: a pure function from the repository's files to findings, with the reason
 * that stands behind it. Being pure, each rule is tested on small bad samples, so that it is known to fail.
 */
export interface TextFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Repository {
  /** Everything a person wrote or npm recorded, sorted by path. Installed, built and binary files are left out. */
  readonly files: readonly TextFile[];
}

export interface Finding {
  readonly path: string;
  /** 1-based. */
  readonly line: number;
  readonly message: string;
}

export interface Rule {
  readonly name: string;
  /** Why the rule exists: shown with every finding, so that whoever trips over it need not ask. */
  readonly reason: string;
  readonly check: (repository: Repository) => readonly Finding[];
}

/** TypeScript and JavaScript under one of the given top folders. */
export function codeIn(repository: Repository, ...folders: readonly string[]): readonly TextFile[] {
  return repository.files.filter(
    ({ path }) => /\.(ts|js|mjs|cjs)$/.test(path) && folders.some((folder) => path.startsWith(`${folder}/`)),
  );
}

export function isTest(path: string): boolean {
  return path.endsWith(".test.ts");
}

/** 1-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** One finding for each place where `pattern` (global) matches `searched`, a text as long as the file's. */
export function findAll(
  file: TextFile,
  searched: string,
  pattern: RegExp,
  message: (match: string) => string,
): Finding[] {
  return Array.from(searched.matchAll(pattern), (match) => ({
    path: file.path,
    line: lineAt(file.text, match.index),
    message: message(match[0]),
  }));
}

export function describeFindings(rule: Rule, findings: readonly Finding[]): string {
  const lines = findings.map(({ path, line, message }) => `  ${path}:${line}  ${message}`);
  return `${rule.name}\n${lines.join("\n")}\n  Why: ${rule.reason}`;
}
