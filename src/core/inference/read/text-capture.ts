/**
 * Short texts out of a scan: the first CAPTURE_BYTES_MAX bytes, and whether there were more.
 */
export const CAPTURE_BYTES_MAX = 1_024;

export class TextCapture {
  readonly #bytes = new Uint8Array(CAPTURE_BYTES_MAX);
  #length = 0;
  #isCut = false;

  begin(): void {
    this.#length = 0;
    this.#isCut = false;
  }

  run(bytes: Uint8Array, start: number, end: number): void {
    const room = CAPTURE_BYTES_MAX - this.#length;
    if (end - start > room) this.#isCut = true;
    const stop = Math.min(end, start + room);
    for (let at = start; at < stop; at++) this.#bytes[this.#length++] = bytes[at]!;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  text(): string {
    let text = "";
    for (let i = 0; i < this.#length; i++) {
      const byte = this.#bytes[i]!;
      if (byte >= 0x80) return new TextDecoder().decode(this.#bytes.subarray(0, this.#length));
      text += String.fromCharCode(byte);
    }
    return text;
  }
}
