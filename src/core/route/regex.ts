/**
 * Regular expressions in matches: how the text in a manifest becomes something that can be asked.
 *
 * The Gateway API leaves the dialect to the implementation. Ours is JavaScript's with the `u` flag (so a stray escape
 * is an error instead of a surprise), always anchored at both ends, because a match speaks of the whole value. A
 * leading `(?i)`, `(?s)` or `(?is)` is understood, since people bring it from RE2 and PCRE. Expressions are written
 * by whoever may write routes; V8 backtracks, so an expression with nested repetition can be slow on hostile input.
 */
const LEADING_FLAGS = /^\(\?([is]{1,2})\)/;

/** Undefined where the text does not compile. */
export function compileRegex(source: string): RegExp | undefined {
  const flags = LEADING_FLAGS.exec(source);
  const body = flags === null ? source : source.slice(flags[0].length);
  try {
    // The wrapped form alone would accept `a)(b`: the body has to stand on its own first.
    void new RegExp(body, "u");
    return new RegExp(`^(?:${body})$`, `u${flags?.[1] ?? ""}`);
  } catch {
    return undefined;
  }
}
