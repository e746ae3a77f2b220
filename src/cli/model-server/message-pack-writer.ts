/**
 * Writes MessagePack, as much of it as cache events need: nil, whole numbers, doubles, text, and the heads of arrays and maps.
 *
 * One buffer that grows and is written over again; `take` copies what was written. Whole numbers above 32 bits go as 64 bits.
 */
const BYTES_AT_FIRST = 4096;

export class MessagePackWriter {
  #bytes = Buffer.alloc(BYTES_AT_FIRST);
  #at = 0;

  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    return taken;
  }

  nil(): void {
    this.#byte(0xc0);
  }

  double(value: number): void {
    this.#byte(0xcb);
    this.#room(8);
    this.#at = this.#bytes.writeDoubleBE(value, this.#at);
  }

  /** At least 0 and safe. */
  whole(value: number): void {
    if (value < 0x80) this.#byte(value);
    else if (value < 0x1_0000) {
      this.#byte(0xcd);
      this.#room(2);
      this.#at = this.#bytes.writeUInt16BE(value, this.#at);
    } else if (value < 0x1_0000_0000) {
      this.#byte(0xce);
      this.#room(4);
      this.#at = this.#bytes.writeUInt32BE(value, this.#at);
    } else {
      this.#byte(0xcf);
      this.#room(8);
      this.#at = this.#bytes.writeBigUInt64BE(BigInt(value), this.#at);
    }
  }

  text(value: string): void {
    const size = Buffer.byteLength(value);
    if (size < 32) this.#byte(0xa0 | size);
    else {
      this.#byte(0xda);
      this.#room(2);
      this.#at = this.#bytes.writeUInt16BE(Math.min(size, 0xffff), this.#at);
    }
    this.#room(size);
    this.#at += this.#bytes.write(value, this.#at, Math.min(size, 0xffff), "utf8");
  }

  array(size: number): void {
    if (size < 16) this.#byte(0x90 | size);
    else this.#longHead(0xdd, size);
  }

  map(size: number): void {
    if (size < 16) this.#byte(0x80 | size);
    else this.#longHead(0xdf, size);
  }

  #longHead(code: number, size: number): void {
    this.#byte(code);
    this.#room(4);
    this.#at = this.#bytes.writeUInt32BE(size, this.#at);
  }

  #byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = value;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.alloc(2 * (this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
