/**
 * Names and addresses: the forms Kubernetes and the Gateway API allow, each as a rule that says what it expects.
 *
 * Sources: RFC 1123 labels and subdomains as Kubernetes applies them, the Gateway API's Hostname and HTTPHeaderName,
 * RFC 9110 section 5.6.2 for tokens.
 */
import { pattern, text } from "./fields.ts";
import type { Objection } from "./fields.ts";

const LABEL = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const IPV4_LIKE = /^[0-9]+(?:\.[0-9]+){3}$/;

export const objectName = pattern(
  SUBDOMAIN,
  253,
  "not a valid name",
  "lower-case letters, digits, '-' and '.', at most 253 characters (RFC 1123 subdomain)",
);

export const labelName = pattern(
  new RegExp(`^${LABEL}$`),
  63,
  "not a valid name",
  "lower-case letters, digits and '-', at most 63 characters (RFC 1123 label)",
);

export const namespaceName = labelName;

/** A listener's, a rule's or a section's name. */
export const sectionName = objectName;

/** A Service port's name; an empty text is the same as none. */
export const portName = pattern(
  new RegExp(`^(?:${LABEL})?$`),
  63,
  "not a valid port name",
  "lower-case letters, digits and '-', at most 63 characters",
);

const HEADER_TOKEN = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;

export const headerName = pattern(
  HEADER_TOKEN,
  256,
  "not a valid header name",
  "a token of letters, digits and !#$%&'*+-.^_`|~, at most 256 characters",
);

/** `shop.example.com` or `*.example.com`; upper case, ports and addresses are not hostnames. */
export const hostname = text(judgeHostname);

function judgeHostname(value: string): Objection | undefined {
  const expected = "a lower-case DNS name such as shop.example.com or *.example.com";
  if (value.length > 253) return { message: "the hostname is too long", expected: "at most 253 characters" };
  if (IPV4_LIKE.test(value) || value.includes("[") || (value.match(/:/g)?.length ?? 0) > 1) {
    return { message: "an IP address is not a hostname", expected };
  }
  if (value.includes(":")) return { message: "a hostname carries no port", expected };
  if (value.slice(1).includes("*") || (value.startsWith("*") && !value.startsWith("*."))) {
    return { message: "a wildcard stands only as the whole first label", expected };
  }
  const name = value.startsWith("*.") ? value.slice(2) : value;
  return SUBDOMAIN.test(name) ? undefined : { message: "not a valid hostname", expected };
}

/** Dotted quad without leading zeros: what EndpointSlices carry. */
export function isIpv4(value: string): boolean {
  const parts = value.split(".");
  return (
    parts.length === 4 && parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255)
  );
}

/** RFC 4291 without zone. The platform's URL parser knows the grammar, so nothing is parsed by hand. */
export function isIpv6(value: string): boolean {
  return /^[0-9A-Fa-f:.]+$/.test(value) && value.includes(":") && URL.canParse(`http://[${value}]/`);
}

/** One spelling per address (RFC 5952), so that two spellings are one endpoint. */
export function canonicalIpv6(value: string): string {
  return new URL(`http://[${value}]/`).hostname.slice(1, -1);
}
