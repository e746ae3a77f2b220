/**
 * `true`, `false` and `null`, letter by letter.
 */
import type { LiteralName } from "./json-visitor.ts";

export class JsonLiteral {
  name: LiteralName = "null";
  #letters = 0;

  /** False: none of them begins with that byte. */
  begin(byte: number): boolean {
    if (byte === 0x74) this.name = "true";
    else if (byte === 0x66) this.name = "false";
    else if (byte === 0x6e) this.name = "null";
    else return false;
    this.#letters = 1;
    return true;
  }

  /** False: not the letter that had to come. */
  next(byte: number): boolean {
    return byte === this.name.charCodeAt(this.#letters++);
  }

  get isWhole(): boolean {
    return this.#letters === this.name.length;
  }
}
