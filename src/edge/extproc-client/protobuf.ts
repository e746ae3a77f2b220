/**
 * Protobuf's wire format, as much as a client of endpoint pickers takes: messages are built in order and read field by field.
 *
 * Written for exactness and not for speed: it judges what others send, so whatever is not well-formed throws `MalformedMessage`
 * with the reason. It shares nothing with the server's codec: a wrong field number there is not excused by the same one here.
 *
 * Source: protobuf.dev/programming-guides/encoding. Varints are read as numbers and must be below 2^53, except that the ten-byte form
 * of negative numbers is taken as it stands (no field read here has one).
 */

export class MalformedMessage extends Error {}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** Builds one message. Fields that hold their default are written all the same: whoever calls decides what is left out. */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  varint(field: number, value: number): this {
    this.#tag(field, VARINT);
    return this.#push(varintBytes(value));
  }

  bool(field: number, value: boolean): this {
    return this.varint(field, value ? 1 : 0);
  }

  bytes(field: number, value: Uint8Array | string): this {
    const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
    this.#tag(field, LENGTH_DELIMITED);
    this.#push(varintBytes(bytes.length));
    return this.#push(bytes);
  }

  double(field: number, value: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.#tag(field, FIXED64);
    return this.#push(bytes);
  }

  message(field: number, message: MessageWriter): this {
    return this.bytes(field, message.finish());
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts, this.#length);
  }

  #tag(field: number, type: number): void {
    this.#push(varintBytes(field * 8 + type));
  }

  #push(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return this;
  }
}

/** A field as it came: `value` of a varint or a double, `bytes` of what has a length, undefined of the other kinds. */
export interface WireField {
  readonly field: number;
  readonly value: number;
  readonly bytes: Buffer | undefined;
}

/** The fields of a message in the order in which they came. */
export function readFields(message: Buffer): readonly WireField[] {
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count += 1) {
      const byte = message[at];
      if (byte === undefined) throw new MalformedMessage("ends within a varint");
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new MalformedMessage("has a varint of more than ten bytes");
  };
  const take = (length: number): Buffer => {
    if (length > message.length - at) {
      throw new MalformedMessage(`has a field of ${length} bytes with ${message.length - at} left`);
    }
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    if (field === 0) throw new MalformedMessage("has field number 0");
    switch (tag % 8) {
      case VARINT:
        fields.push({ field, value: varint(), bytes: undefined });
        break;
      case FIXED64:
        fields.push({ field, value: take(8).readDoubleLE(), bytes: undefined });
        break;
      case LENGTH_DELIMITED:
        fields.push({ field, value: Number.NaN, bytes: take(varint()) });
        break;
      case FIXED32:
        fields.push({ field, value: take(4).readUInt32LE(), bytes: undefined });
        break;
      default:
        throw new MalformedMessage(`has wire type ${tag % 8} in field ${field}`);
    }
  }
  return fields;
}

/** The bytes of a field that must have a length. */
export function bytesOf({ field, bytes }: WireField, where: string): Buffer {
  if (bytes === undefined) throw new MalformedMessage(`has no message, text or bytes in ${where}.${field}`);
  return bytes;
}

function varintBytes(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
