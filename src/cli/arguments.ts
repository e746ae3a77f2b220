/**
 * Command line values: each parser either returns the value or says what was expected.
 */
import { InvalidArgumentError } from "commander";
import { parseDurationMs } from "../std/duration.ts";

export function durationArgument(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined) throw new InvalidArgumentError("Expected a duration such as 30s, 500ms or 1h30m.");
  return ms;
}

export function countArgument(text: string): number {
  const count = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(count) || count === 0) {
    throw new InvalidArgumentError("Expected a whole number above 0.");
  }
  return count;
}

export function fallbacksArgument(text: string): number {
  if (!/^[0-7]$/.test(text)) throw new InvalidArgumentError("Expected a whole number from 0 to 7.");
  return Number(text);
}

export function seedArgument(text: string): number {
  if (!/^[0-9]{1,10}$/.test(text) || Number(text) > 0xffff_ffff) {
    throw new InvalidArgumentError("Expected a whole number from 0 to 4294967295.");
  }
  return Number(text);
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT` or `[IPv6]:PORT`; undefined: neither. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  return match === null || port > 65_535 ? undefined : { host: match[1] ?? match[2]!, port };
}

/** An address, or `off`. Port 0 means any free one. */
export function addressArgument(text: string): HostPort | "off" {
  const address = text === "off" ? "off" : parseHostPort(text);
  if (address !== undefined) return address;
  throw new InvalidArgumentError("Expected HOST:PORT such as 127.0.0.1:9900, or off.");
}

export interface ListenArgument {
  /** Undefined: every address of the machine. */
  readonly host: string | undefined;
  readonly port: number;
}

/** `[HOST]:PORT` or `PORT`, or `off`; without a host, every address. Port 0 means any free one. */
export function listenArgument(text: string): ListenArgument | "off" {
  const alone = /^:?([0-9]{1,5})$/.exec(text);
  if (alone === null) return addressArgument(text);
  const port = Number(alone[1]);
  if (port > 65_535) throw new InvalidArgumentError("Expected a port, such as :9002.");
  return { host: undefined, port };
}

/** `http://HOST:PORT`, or `HOST:PORT` as `serve --admin` takes it. Without a slash at the end. */
export function adminUrlArgument(text: string): string {
  const url = URL.parse(/^https?:\/\//.test(text) ? text : `http://${text}`);
  if (url === null || url.hostname === "" || url.search !== "" || url.pathname !== "/") {
    throw new InvalidArgumentError("Expected the admin address of a gateway, such as http://127.0.0.1:9900.");
  }
  return url.origin;
}

export function portArgument(text: string): number {
  const port = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || port < 1 || port > 65_535) {
    throw new InvalidArgumentError("Expected a port, a whole number from 1 to 65535.");
  }
  return port;
}
