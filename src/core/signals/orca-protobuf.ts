/**
 * The fields of xds.data.orca.v3.OrcaLoadReport off the protobuf wire, and no more of protobuf than that takes.
 *
 * | number | field | type |
 * |---|---|---|
 * | 1, 2, 6, 7, 9 | cpu_utilization, mem_utilization, rps_fractional, eps, application_utilization | double |
 * | 3 | rps | uint64, deprecated |
 * | 5, 8 | utilization, named_metrics | map<string, double> |
 * | 4 | request_cost | passed over |
 *
 * Unknown fields are skipped by their wire type. A message that ends in the middle of a field is refused whole.
 */
const DOUBLES: Readonly<Record<number, string>> = {
  1: "cpu_utilization",
  2: "mem_utilization",
  6: "rps_fractional",
  7: "eps",
  9: "application_utilization",
};
const RPS = 3;
const MAPS: ReadonlySet<number> = new Set([5, 8]);

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

export interface NumberSink {
  put(name: string, value: number): void;
}

/** False: not such a message. What came before the fault has been put all the same. */
export function readOrca(bytes: Uint8Array, sink: NumberSink): boolean {
  const reader = new Reader(bytes);
  while (!reader.done) {
    const { field, type } = reader.tag();
    const name = DOUBLES[field];
    if (type === FIXED64 && name !== undefined) sink.put(name, reader.double());
    else if (type === VARINT && field === RPS) sink.put("rps", reader.varint());
    else if (type === LENGTH_DELIMITED && MAPS.has(field)) readEntry(reader.part(), sink);
    else reader.skip(type);
  }
  return reader.sound;
}

function readEntry(reader: Reader, sink: NumberSink): void {
  let name = "";
  let value = 0;
  while (!reader.done) {
    const { field, type } = reader.tag();
    if (field === 1 && type === LENGTH_DELIMITED) name = reader.text();
    else if (field === 2 && type === FIXED64) value = reader.double();
    else reader.skip(type);
  }
  if (reader.sound) sink.put(name, value);
}

/** Never reads past its end: from the first fault on it is done and unsound. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #sound = true;

  constructor(bytes: Uint8Array, sound = true) {
    this.#bytes = bytes;
    this.#sound = sound;
  }

  get sound(): boolean {
    return this.#sound;
  }

  get done(): boolean {
    return !this.#sound || this.#at >= this.#bytes.length;
  }

  tag(): { readonly field: number; readonly type: number } {
    const tag = this.varint();
    return { field: Math.floor(tag / 8), type: tag % 8 };
  }

  /** Above 2^53 it loses digits: rates have none to lose. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    this.#sound = false;
    return 0;
  }

  double(): number {
    const bytes = this.#take(8);
    return bytes.length < 8
      ? Number.NaN
      : new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
  }

  part(): Reader {
    const bytes = this.#take(this.varint());
    return new Reader(bytes, this.#sound);
  }

  /** Names are ASCII in practice; other bytes stand for themselves. */
  text(): string {
    return String.fromCharCode(...this.#take(this.varint()));
  }

  skip(type: number): void {
    if (type === VARINT) this.varint();
    else if (type === FIXED64) this.#take(8);
    else if (type === LENGTH_DELIMITED) this.#take(this.varint());
    else if (type === FIXED32) this.#take(4);
    else this.#sound = false;
  }

  #take(count: number): Uint8Array {
    const end = this.#at + count;
    if (end > this.#bytes.length) {
      this.#sound = false;
      return this.#bytes.subarray(0, 0);
    }
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
