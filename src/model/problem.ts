/**
 * A problem in the configuration: where it stands, what was expected there, and what was found.
 *
 * Errors keep a configuration from being taken; warnings do not.
 */
export interface Problem {
  readonly severity: "error" | "warning";
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  /** `HTTPRoute shop/web`, or empty where no object could be read. */
  readonly object: string;
  /** `spec.rules[0].matches[0].path.type`, or empty for the whole document. */
  readonly path: string;
  /** One sentence: what is wrong. */
  readonly message: string;
  /** What would have been right; empty where the message says it all. */
  readonly expected: string;
  /** What stood there. */
  readonly found: string;
}
