/**
 * TypeScript source with what is not code replaced by spaces, offsets and lines kept, so that a rule looks for
 * words in code and is not fooled by a comment or a string that speaks of them.
 *
 * A scanner and not a parser: it knows comments, the three kinds of string, code inside templates, and regular
 * expressions (a slash where an expression may begin). That is enough for the code of this repository, and
 * costs no dependency; TypeScript 7 offers no parser to import.
 */
export interface Blanked {
  /** Comments, contents of strings and regular expressions blanked. */
  readonly code: string;
  /** Comments alone blanked. */
  readonly uncommented: string;
}

type Part = "comment" | "literal";

/** After these a slash begins a regular expression, not a division. */
const BEFORE_EXPRESSION =
  /(?:^|[([{,;:=!&|?+\-*%<>~^}]|\b(?:return|typeof|case|in|of|do|else|void|delete|await|yield|throw))\s*$/;

export function blank(text: string): Blanked {
  const code = [...blankParts(text, ["comment", "literal"])].join("");
  const uncommented = [...blankParts(text, ["comment"])].join("");
  return { code, uncommented };
}

function* blankParts(text: string, parts: readonly Part[]): Generator<string> {
  let done = 0;
  for (const { kind, start, end } of scan(text)) {
    if (!parts.includes(kind)) continue;
    yield text.slice(done, start);
    yield text.slice(start, end).replaceAll(/[^\n]/g, " ");
    done = end;
  }
  yield text.slice(done);
}

interface Span {
  readonly kind: Part;
  readonly start: number;
  readonly end: number;
}

/** The comments and the insides of literals, in order. */
function scan(text: string): Span[] {
  const spans: Span[] = [];
  /** For each template whose `${` is open: how many braces are open inside it. */
  const templates: number[] = [];
  let at = text.startsWith("#!") ? endOf(text, "\n", 0) : 0;
  const push = (kind: Part, start: number, end: number): void => {
    spans.push({ kind, start, end });
    at = end;
  };
  const template = (start: number): void => {
    const end = templatePartEnd(text, start);
    push("literal", start, end);
    if (text.startsWith("${", end)) {
      templates.push(0);
      at = end + 2;
    } else at = end + 1;
  };
  while (at < text.length) {
    const here = text[at];
    if (text.startsWith("//", at)) push("comment", at, endOf(text, "\n", at));
    else if (text.startsWith("/*", at))
      push("comment", at, Math.min(endOf(text, "*/", at + 2) + 2, text.length));
    else if (here === '"' || here === "'") {
      push("literal", at + 1, quotedEnd(text, at + 1, here));
      at++;
    } else if (here === "`") template(at + 1);
    else if (here === "/" && BEFORE_EXPRESSION.test(text.slice(Math.max(0, at - 20), at))) {
      push("literal", at + 1, regexEnd(text, at + 1));
      at++;
    } else if (here === "}" && templates.at(-1) === 0) {
      templates.pop();
      template(at + 1);
    } else {
      const depth = templates.length - 1;
      if (here === "{" && depth >= 0) templates[depth] = (templates[depth] ?? 0) + 1;
      if (here === "}" && depth >= 0) templates[depth] = (templates[depth] ?? 0) - 1;
      at++;
    }
  }
  return spans;
}

function endOf(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? text.length : at;
}

function quotedEnd(text: string, from: number, quote: string): number {
  let at = from;
  while (at < text.length && text[at] !== quote && text[at] !== "\n") at += text[at] === "\\" ? 2 : 1;
  return Math.min(at, text.length);
}

/** The closing backtick, or the `${` that interrupts. */
function templatePartEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== "`" && !text.startsWith("${", at)) at += text[at] === "\\" ? 2 : 1;
  return Math.min(at, text.length);
}

function regexEnd(text: string, from: number): number {
  let at = from;
  let isInClass = false;
  while (at < text.length && text[at] !== "\n" && (isInClass || text[at] !== "/")) {
    if (text[at] === "[") isInClass = true;
    if (text[at] === "]") isInClass = false;
    at += text[at] === "\\" ? 2 : 1;
  }
  return Math.min(at, text.length);
}
