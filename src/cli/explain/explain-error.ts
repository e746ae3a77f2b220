/**
 * What cannot be explained, and what was expected instead.
 */
export class ExplainError extends Error {
  readonly expected: string;

  constructor(message: string, expected: string) {
    super(message);
    this.expected = expected;
  }
}
