/**
 * Reads one answer after the other from a connection, where each has a Content-Length: all that the benches' own
 * clients need, at a fraction of the cost of a real HTTP client.
 */
export class AnswerReader {
  #head = "";
  #bodyLeft = -1;
  /** Of the answer that is being read, or was read last; 0 before. */
  status = 0;

  /** The answer that follows belongs to the next request. */
  begin(): void {
    this.#head = "";
    this.#bodyLeft = -1;
    this.status = 0;
  }

  /** "whole" when the answer is complete; "strange" where its length is not said. */
  read(part: Buffer): "whole" | "more" | "strange" {
    if (this.#bodyLeft >= 0) {
      this.#bodyLeft -= part.length;
    } else {
      this.#head += part.toString("latin1");
      const end = this.#head.indexOf("\r\n\r\n");
      if (end < 0) return "more";
      const fields = this.#head.slice(0, end + 2);
      const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(fields)?.[1];
      if (length === undefined) return "strange";
      this.status = Number(fields.slice(9, 12));
      this.#bodyLeft = Number(length) - (this.#head.length - end - 4);
    }
    return this.#bodyLeft > 0 ? "more" : "whole";
  }
}
