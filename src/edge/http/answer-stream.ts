/**
 * An endpoint's answer on its way to the client: the head, then the body as it comes.
 *
 * The head waits for the body's first bytes, to go in one packet. A body that came until close is put into chunks, so
 * that the client sees its end without losing its connection.
 */
import type { Wire } from "./wire/wire.ts";

export class AnswerStream {
  readonly #wire: Wire;
  readonly #rechunks: boolean;
  #head: string;

  constructor(wire: Wire, head: string, rechunks: boolean) {
    this.#wire = wire;
    this.#head = head;
    this.#rechunks = rechunks;
  }

  /** Something of it has gone to the client: it can be finished or cut, not replaced. */
  get begun(): boolean {
    return this.#head === "";
  }

  /** False: the client does not keep up; stop until its wire drains. */
  bytes(buffer: Buffer, start: number, end: number): boolean {
    const head = this.#head;
    this.#head = "";
    if (!this.#rechunks) return this.#wire.bytes(head, buffer, start, end);
    this.#wire.bytes(`${head}${(end - start).toString(16)}\r\n`, buffer, start, end);
    return this.#wire.text("\r\n");
  }

  text(text: string): void {
    this.#wire.text(this.#head + text);
    this.#head = "";
  }

  /** The endpoint's read is worked off: a head that was waiting for company goes now. */
  flush(): void {
    if (this.#head !== "") this.text("");
  }

  /** The body is whole. */
  end(): void {
    if (this.#rechunks) this.text("0\r\n\r\n");
    else this.flush();
  }
}
