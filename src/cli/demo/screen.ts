/**
 * Draws frames in place on a terminal: one write per frame, lines overwritten rather than erased, so that nothing
 * flickers. Leaves the last frame standing and the cursor visible when it ends.
 */
import { type Line, paint } from "./spans.ts";

const HIDE_CURSOR = "\u001B[?25l";
const SHOW_CURSOR = "\u001B[?25h";
const ERASE_TO_LINE_END = "\u001B[K";
const ERASE_BELOW = "\u001B[J";
const CLEAR = "\u001B[H\u001B[2J";
/** Terminals that know "synchronized output" show a frame at once; others ignore the two codes. */
const BEGIN_FRAME = "\u001B[?2026h";
const END_FRAME = "\u001B[?2026l";

/** What is needed of a TTY stream. */
export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const USUAL_COLUMNS = 80;
const USUAL_ROWS = 24;

export class Screen {
  readonly #terminal: Terminal;
  readonly #colour: boolean;
  #drawn = 0;
  #columns = 0;

  constructor(terminal: Terminal, colour: boolean) {
    this.#terminal = terminal;
    this.#colour = colour;
  }

  /** One column less than there is: a line that fills the last one makes some terminals wrap. */
  get width(): number {
    return (this.#terminal.columns || USUAL_COLUMNS) - 1;
  }

  draw(lines: readonly Line[]): void {
    // Moving up beyond the top row would scroll the frame into itself: what has no room is not drawn.
    const shown = lines.slice(0, (this.#terminal.rows ?? USUAL_ROWS) - 1);
    const resized = this.#columns !== 0 && this.#columns !== this.width;
    // After a change of width earlier lines may have wrapped, so their number on screen is unknown.
    const start = resized ? CLEAR : this.#drawn > 0 ? `\u001B[${this.#drawn}A\r` : HIDE_CURSOR;
    const body = shown.map((line) => `${paint(line, this.#colour)}${ERASE_TO_LINE_END}\n`).join("");
    this.#terminal.write(`${BEGIN_FRAME}${start}${body}${ERASE_BELOW}${END_FRAME}`);
    this.#drawn = shown.length;
    this.#columns = this.width;
  }

  end(): void {
    // The terminal may have echoed "^C" where the cursor stood.
    if (this.#drawn > 0) this.#terminal.write(`\r${ERASE_TO_LINE_END}${SHOW_CURSOR}`);
  }
}

/**
 * Undefined: `out` is no terminal, or plain lines are wanted. Colours go when NO_COLOR is set and not empty
 * (https://no-color.org).
 */
export function screenOn(out: NodeJS.WritableStream, plain: boolean): Screen | undefined {
  if (plain || !("isTTY" in out) || out.isTTY !== true) return undefined;
  return new Screen(out, (process.env["NO_COLOR"] ?? "") === "");
}
