/**
 * Finds the end of one HTTP/1.1 message after the other on a connection where nothing is sent ahead: by Content-Length, or by the last chunk
 * of a chunked body, which is what Envoy makes of a body that went through a picker. For both ends of the bench, at next to no cost.
 *
 * It trusts what it reads: a message ends with its bytes, and no next one begins in the same read.
 */
const LAST_CHUNK = "0\r\n\r\n";

export class MessageEnd {
  #head = "";
  #left = -1;
  #isChunked = false;
  #tail = "";
  /** Of the message that is read, or was read last. */
  startLine = "";

  /** Whether the message is whole with this part. */
  read(part: Buffer): boolean {
    let body = part;
    if (this.#left < 0 && !this.#isChunked) {
      this.#head += part.toString("latin1");
      const end = this.#head.indexOf("\r\n\r\n");
      if (end < 0) return false;
      const length = /\r\ncontent-length: *(\d+)/i.exec(this.#head.slice(0, end))?.[1];
      this.#isChunked = /\r\ntransfer-encoding: *chunked/i.test(this.#head.slice(0, end));
      this.startLine = this.#head.slice(0, this.#head.indexOf("\r\n"));
      this.#left = length === undefined ? 0 : Number(length);
      body = Buffer.from(this.#head.slice(end + 4), "latin1");
      this.#head = "";
    }
    if (this.#isChunked) {
      this.#tail = (this.#tail + body.subarray(-LAST_CHUNK.length).toString("latin1")).slice(
        -LAST_CHUNK.length,
      );
      if (this.#tail !== LAST_CHUNK) return false;
    } else {
      this.#left -= body.length;
      if (this.#left > 0) return false;
    }
    this.#left = -1;
    this.#isChunked = false;
    this.#tail = "";
    return true;
  }
}
