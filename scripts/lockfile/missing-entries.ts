/**
 * Which optional dependencies a lockfile speaks of but has no entry for, and the entry each should have.
 */
export interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface Lockfile {
  readonly packages: Readonly<Record<string, LockEntry>>;
}

export interface MissingEntry {
  /** `node_modules/name`. */
  readonly path: string;
  /** The package that names it. */
  readonly parent: string;
  readonly entry: LockEntry;
}

const SYSTEMS = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"] as const;
const PROCESSORS = ["arm", "arm64", "ia32", "ppc64", "riscv64", "s390x", "x64"] as const;
/** As in a compiler's target triples, which some names end in. */
const SPELLINGS: Readonly<Record<string, string>> = {
  eabi: "",
  gnueabihf: "",
  musleabihf: "musl",
  gnu: "glibc",
};

export function missingEntries(lockfile: Lockfile): MissingEntry[] {
  const missing = Object.entries(lockfile.packages).flatMap(([parent, { dev, optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !hasEntry(lockfile, parent, name))
      .map(([name, version]) => ({
        path: `node_modules/${name}`,
        parent,
        entry: entryFor(name, version, dev === true),
      })),
  );
  return missing;
}

/** npm puts a package beside its parent or in any node_modules further up. */
function hasEntry(lockfile: Lockfile, parent: string, name: string): boolean {
  for (let folder = parent; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/")))) {
    if (Object.hasOwn(lockfile.packages, `${folder === "" ? "" : `${folder}/`}node_modules/${name}`))
      return true;
    if (folder === "") return false;
  }
}

function entryFor(name: string, version: string, isDev: boolean): LockEntry {
  if (!/^\d+\.\d+\.\d+/.test(version))
    throw new Error(`${name} is asked for as ${version}: no exact version`);
  const words = new Set(name.split(/[/@-]/).map((word) => SPELLINGS[word] ?? word));
  const os = SYSTEMS.filter((each) => words.has(each));
  const cpu = PROCESSORS.filter((each) => words.has(each));
  const libc = ["glibc", "musl"].filter((each) => words.has(each));
  if (os.length !== 1 || cpu.length !== 1) throw new Error(`${name} does not say for which platform it is`);
  return { version, cpu, ...(isDev && { dev: true }), ...(libc.length > 0 && { libc }), optional: true, os };
}

/** A copy with the entries in npm's order: by path. */
export function withEntries(lockfile: Lockfile, missing: readonly MissingEntry[]): Lockfile {
  const added = Object.fromEntries(missing.map(({ path, entry }) => [path, entry]));
  const all = Object.entries({ ...lockfile.packages, ...added });
  const packages = Object.fromEntries(all.toSorted(([a], [b]) => a.localeCompare(b, "en")));
  return { ...lockfile, packages };
}
