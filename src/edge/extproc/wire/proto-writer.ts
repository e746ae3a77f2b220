/**
 * Writes protobuf messages back to front: a message's length is known when its content stands, so nothing is measured first
 * and nothing is copied to make room.
 *
 * One buffer serves all messages of the process; `finish` hands out a copy. Fields are to be written last one first if
 * their order is to come out right (which no reader depends on).
 */

const FIRST_CAPACITY = 4_096;
const GRPC_PREFIX_BYTES = 5;

let buffer: Buffer = Buffer.allocUnsafe(FIRST_CAPACITY);
/** What is written stands in [at, buffer.length). */
let at = FIRST_CAPACITY;

/** Bytes written so far: what `enclose` is to be told as the content's beginning. */
export function mark(): number {
  return buffer.length - at;
}

function makeRoom(bytes: number): void {
  if (at >= bytes) return;
  const written = buffer.length - at;
  let capacity = buffer.length;
  while (capacity - written < bytes) capacity *= 2;
  const grown = Buffer.allocUnsafe(capacity);
  buffer.copy(grown, capacity - written, at);
  buffer = grown;
  at = capacity - written;
}

/** Below 2^32. */
function putVarint(value: number): void {
  makeRoom(5);
  at -= varintBytes(value);
  writeVarint(buffer, at, value);
}

export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** Returns the index after it. */
export function writeVarint(into: Buffer, start: number, value: number): number {
  let rest = value;
  let index = start;
  while (rest >= 0x80) {
    into[index++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  into[index++] = rest;
  return index;
}

function putTag(field: number, wireType: number): void {
  putVarint(field * 8 + wireType);
}

export function putNumber(field: number, value: number): void {
  putVarint(value);
  putTag(field, 0);
}

export function putBytes(field: number, bytes: Uint8Array): void {
  makeRoom(bytes.length);
  at -= bytes.length;
  buffer.set(bytes, at);
  putVarint(bytes.length);
  putTag(field, 2);
}

/** UTF-8. */
export function putText(field: number, text: string): void {
  const length = Buffer.byteLength(text);
  makeRoom(length);
  at -= length;
  buffer.write(text, at, length, "utf8");
  putVarint(length);
  putTag(field, 2);
}

/** All that was written since `since` becomes the content of the message in that field. */
export function enclose(field: number, since: number): void {
  putVarint(mark() - since);
  putTag(field, 2);
}

/** What was written, as one gRPC message with its prefix; the writer is empty again. */
export function finishFrame(): Buffer {
  const length = buffer.length - at;
  const frame = Buffer.allocUnsafe(GRPC_PREFIX_BYTES + length);
  frame[0] = 0;
  frame.writeUInt32BE(length, 1);
  buffer.copy(frame, GRPC_PREFIX_BYTES, at);
  at = buffer.length;
  return frame;
}
