/**
 * Reads one protobuf message field by field, in place: no schema, no copy, nothing trusted.
 *
 * Whatever a length or a varint says, nothing outside [start, end) is read; what does not add up throws ProtoFault. Groups
 * (wire types 3 and 4) are in none of the messages spoken here and are faults.
 */

export class ProtoFault extends Error {}

export const VARINT = 0;
const FIXED64 = 1;
export const BYTES = 2;
const FIXED32 = 5;

const TWO_TO_32 = 4_294_967_296;

export class ProtoReader {
  readonly bytes: Buffer;
  readonly #end: number;
  #at: number;
  /** Of the field that `next` has read. */
  field = 0;
  wireType = VARINT;
  /** Of a varint; above 2^53 it is not exact, and no such number is asked for. */
  number = 0;
  /** Of anything else: where its bytes are. */
  from = 0;
  to = 0;

  constructor(bytes: Buffer, start = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** False: the message is over. */
  next(): boolean {
    if (this.#at === this.#end) return false;
    const tag = this.#varint();
    this.field = Math.floor(tag / 8);
    this.wireType = tag % 8;
    if (this.field < 1 || this.field > 0x1fff_ffff) throw new ProtoFault("a field number out of range");
    switch (this.wireType) {
      case VARINT:
        this.number = this.#varint();
        return true;
      case FIXED64:
        this.#take(8);
        return true;
      case BYTES:
        this.#take(this.#varint());
        return true;
      case FIXED32:
        this.#take(4);
        return true;
      default:
        throw new ProtoFault("an unknown wire type");
    }
  }

  /** The field is `field` and has bytes; one of another wire type is a fault, as its meaning would be a guess. */
  isBytes(field: number): boolean {
    if (this.field !== field) return false;
    if (this.wireType !== BYTES) throw new ProtoFault("a field of another type than it has");
    return true;
  }

  isVarint(field: number): boolean {
    if (this.field !== field) return false;
    if (this.wireType !== VARINT) throw new ProtoFault("a field of another type than it has");
    return true;
  }

  /** The message inside the present field. */
  inside(): ProtoReader {
    return new ProtoReader(this.bytes, this.from, this.to);
  }

  utf8(): string {
    return this.bytes.toString("utf8", this.from, this.to);
  }

  latin1(): string {
    return this.bytes.toString("latin1", this.from, this.to);
  }

  /** Shares memory with the message. */
  slice(): Buffer {
    return this.bytes.subarray(this.from, this.to);
  }

  #take(length: number): void {
    if (length > this.#end - this.#at) throw new ProtoFault("a length beyond the end");
    this.from = this.#at;
    this.#at += length;
    this.to = this.#at;
  }

  #varint(): number {
    const { bytes } = this;
    const end = this.#end;
    let at = this.#at;
    let low = 0;
    let high = 0;
    for (let index = 0; index < 10; index++) {
      if (at >= end) throw new ProtoFault("a number that is cut short");
      const byte = bytes[at++]!;
      const bits = byte & 0x7f;
      // Seven bits each: four bytes fill 28, the fifth straddles the two halves.
      if (index < 4) low |= bits << (7 * index);
      else if (index === 4) {
        low = (low | (bits << 28)) >>> 0;
        high = bits >>> 4;
      } else if (index < 9) high |= bits << (7 * index - 32);
      else high |= bits << 31;
      if (byte < 0x80) {
        this.#at = at;
        return (high >>> 0) * TWO_TO_32 + (low >>> 0);
      }
    }
    throw new ProtoFault("a number of more than ten bytes");
  }
}
