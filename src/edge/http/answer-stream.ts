/**
 * An endpoint's answer on its way to the client: the head, then the body as it comes.
 *
 * The head waits for the body's first bytes, to go in one packet. A body whose length the client is not told is put into
 * chunks, so that the client sees its end without losing its connection. While the client does not keep up, the endpoint is
 * not read.
 */
import type { BytePath } from "./byte-path.ts";
import type { AnswerSink } from "./endpoint-connection.ts";

export interface AnswerBegin {
  readonly head: string;
  /** How the body is to come here. */
  readonly chunks: "verbatim" | "decoded";
  /** It is put into chunks here. */
  readonly rechunks: boolean;
}

export class AnswerStream implements AnswerSink {
  readonly chunks: "verbatim" | "decoded";
  readonly #path: BytePath;
  readonly #rechunks: boolean;
  #head: string;

  constructor(path: BytePath, { head, chunks, rechunks }: AnswerBegin) {
    this.#path = path;
    this.#head = head;
    this.chunks = chunks;
    this.#rechunks = rechunks;
  }

  /** Something of it has gone to the client: it can be finished or cut, not replaced. */
  get begun(): boolean {
    return this.#head === "";
  }

  bodyBytes(buffer: Buffer, start: number, end: number): void {
    const { client, endpoint, notes, sweeper } = this.#path;
    notes.moved("bytesOut", end - start, sweeper.nowMs);
    const head = this.#head;
    this.#head = "";
    let keepsUp: boolean;
    if (this.#rechunks) {
      client.bytes(`${head}${(end - start).toString(16)}\r\n`, buffer, start, end);
      keepsUp = client.text("\r\n");
    } else keepsUp = client.bytes(head, buffer, start, end);
    if (!keepsUp) endpoint.pause();
  }

  bodyText(text: string): void {
    this.#path.client.text(this.#head + text);
    this.#head = "";
  }

  /** The endpoint's read is worked off: a head that was waiting for company goes now. */
  flush(): void {
    if (this.#head !== "") this.bodyText("");
  }

  /** The body is whole. */
  end(): void {
    if (this.#rechunks) this.bodyText("0\r\n\r\n");
    else this.flush();
  }
}
