/**
 * Where a value stands: its path inside an object, and its place in a file.
 */
export type Path = readonly (string | number)[];

export interface Place {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 units. */
  readonly column: number;
}

/**
 * The place of a path's value, or of the key that introduces it. Where the path leads nowhere, the place of the
 * nearest ancestor that exists: that is where a missing field should have been.
 */
export type Locate = (path: Path, at: "key" | "value") => Place;

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** `spec.rules[0].matches[0].path.type`; keys that would read as something else are quoted. */
export function pathText(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (PLAIN_KEY.test(part)) text += text === "" ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}
