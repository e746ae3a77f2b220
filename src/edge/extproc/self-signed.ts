/**
 * A certificate that nobody has vouched for, made at the start and kept in memory: for gateways that insist on TLS towards
 * the picker and, as all of them do today, do not verify it. It hides traffic from listeners and proves nothing.
 *
 * X.509 v3 (RFC 5280) over an ECDSA key on P-256, in DER by hand: Node.js signs, but has no words for certificates.
 */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import type { TlsMaterial } from "./rpc/http2-server.ts";

const YEARS_VALID = 10;
const COMMON_NAME = "plimsoll-picker";

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
const EXPLICIT_0 = 0xa0;
const EXPLICIT_3 = 0xa3;
const DNS_NAME = 0x82;

/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = der(OBJECT_ID, Buffer.from("2a8648ce3d040302", "hex"));
/** 2.5.4.3 */
const ID_COMMON_NAME = der(OBJECT_ID, Buffer.from("550403", "hex"));
/** 2.5.29.17 */
const ID_SUBJECT_ALT_NAME = der(OBJECT_ID, Buffer.from("551d11", "hex"));

export function selfSigned(now: Date): TlsMaterial {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const algorithm = der(SEQUENCE, ECDSA_WITH_SHA256);
  const name = der(
    SEQUENCE,
    der(SET, der(SEQUENCE, ID_COMMON_NAME, der(UTF8_STRING, Buffer.from(COMMON_NAME)))),
  );
  const until = new Date(now);
  until.setUTCFullYear(now.getUTCFullYear() + YEARS_VALID);
  const names = der(
    SEQUENCE,
    der(DNS_NAME, Buffer.from(COMMON_NAME)),
    der(DNS_NAME, Buffer.from("localhost")),
  );
  const extension = der(SEQUENCE, ID_SUBJECT_ALT_NAME, der(OCTET_STRING, names));
  const unsigned = der(
    SEQUENCE,
    der(EXPLICIT_0, der(INTEGER, Buffer.of(2))),
    der(INTEGER, positive(randomBytes(16))),
    algorithm,
    name,
    der(SEQUENCE, time(now), time(until)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(EXPLICIT_3, der(SEQUENCE, extension)),
  );
  const signature = der(BIT_STRING, Buffer.of(0), sign("sha256", unsigned, privateKey));
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: pem(der(SEQUENCE, unsigned, algorithm, signature)),
  };
}

/** Tag, length, content (X.690 section 8.1). */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const bytes = length < 0x100 ? Buffer.of(length) : Buffer.of(length >> 8, length & 0xff);
  return Buffer.concat([Buffer.of(tag, 0x80 | bytes.length), bytes, content]);
}

/** The first bit clear, and the first byte not nought. */
function positive(bytes: Buffer): Buffer {
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes;
}

/** To the second, and in UTC (RFC 5280 section 4.1.2.5.2). */
function time(date: Date): Buffer {
  const text = date.toISOString().replace(/[-:T]/g, "").slice(0, 14);
  return der(GENERALIZED_TIME, Buffer.from(`${text}Z`));
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
