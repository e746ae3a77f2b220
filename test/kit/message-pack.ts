/**
 * A small MessagePack encoder: enough to write cache events in every form that readers must know.
 */
export type Packable =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Packable[]
  | ReadonlyMap<string, Packable>;

/** bigint: always 8 bytes, signed if negative. number: shortest integer, or a double. Map: a map. */
export function pack(value: Packable): Buffer {
  if (value === null) return Buffer.from([0xc0]);
  if (typeof value === "boolean") return Buffer.from([value ? 0xc3 : 0xc2]);
  if (typeof value === "bigint") return packBig(value);
  if (typeof value === "number") return packNumber(value);
  if (typeof value === "string") {
    const bytes = Buffer.from(value, "utf8");
    return Buffer.concat([head(bytes.length, 0xa0, 31, [0xd9, 0xda, 0xdb]), bytes]);
  }
  if (value instanceof Uint8Array)
    return Buffer.concat([head(value.length, 0, -1, [0xc4, 0xc5, 0xc6]), value]);
  if (value instanceof Map) {
    const pairs = [...(value as ReadonlyMap<string, Packable>)];
    return Buffer.concat([
      head(pairs.length, 0x80, 15, [undefined, 0xde, 0xdf]),
      ...pairs.flatMap(([key, member]) => [pack(key), pack(member)]),
    ]);
  }
  const members = value as readonly Packable[];
  return Buffer.concat([head(members.length, 0x90, 15, [undefined, 0xdc, 0xdd]), ...members.map(pack)]);
}

function head(size: number, fixed: number, fixedMax: number, codes: readonly (number | undefined)[]): Buffer {
  if (size <= fixedMax) return Buffer.from([fixed | size]);
  if (size < 256 && codes[0] !== undefined) return Buffer.from([codes[0], size]);
  if (size < 65_536) return Buffer.from([codes[1]!, size >> 8, size & 255]);
  const bytes = Buffer.alloc(5);
  bytes[0] = codes[2]!;
  bytes.writeUInt32BE(size, 1);
  return bytes;
}

function packBig(value: bigint): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = value < 0n ? 0xd3 : 0xcf;
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value), 1);
  return bytes;
}

function packNumber(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 32) {
    bytes[0] = 0xcb;
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (value >= 0 && value < 128) return Buffer.from([value]);
  if (value < 0 && value >= -32) return Buffer.from([value + 256]);
  bytes[0] = value < 0 ? 0xd3 : 0xce;
  if (value < 0) {
    bytes.writeBigInt64BE(BigInt(value), 1);
    return bytes;
  }
  bytes.writeUInt32BE(value, 1);
  return bytes.subarray(0, 5);
}
