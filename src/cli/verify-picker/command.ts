/**
 * The command line of `plimsoll verify-picker`. Loads nothing of the suite until it is asked for.
 */
import { InvalidArgumentError, Option, type Command } from "commander";
import { isIP } from "node:net";
import type { Header } from "../../edge/extproc-client/messages.ts";
import { formatDurationMs } from "../../std/duration.ts";
import { countArgument, durationArgument, parseHostPort, type HostPort } from "../arguments.ts";
import {
  DEFAULT_AUTHORITY,
  DEFAULT_MODEL,
  DEFAULT_PATH,
  DEFAULT_STREAMS,
  DEFAULT_TIMEOUT_MS,
  LARGE_BODY_BYTES,
} from "./settings.ts";

interface VerifyFlags {
  readonly tls?: boolean;
  readonly health?: HostPort;
  readonly timeout: number;
  readonly only: readonly string[];
  readonly model: string;
  readonly path: string;
  readonly authority: string;
  readonly callHeader: readonly Header[];
  readonly header: readonly Header[];
  readonly subset: readonly string[];
  readonly fallbacks?: boolean;
  readonly streams: number;
  readonly bodyLimit?: number;
  readonly shed: readonly Header[];
  readonly verbose?: boolean;
  readonly output: "text" | "json";
}

export function addVerifyPicker(program: Command, exit: (code: number) => void): void {
  const command = program.command("verify-picker");
  command
    .description("Hold an endpoint picker, ours or any other, against the ext_proc protocol, check by check.")
    .argument("<address>", "where it listens, such as 127.0.0.1:9002", targetArgument)
    .option("--tls", "ask over TLS, verifying nothing, as gateways do (default: in the clear)")
    .addOption(
      new Option("--health <address>", "its health port in the clear, if it has one").argParser(
        targetArgument,
      ),
    )
    .addOption(
      new Option("--timeout <duration>", "a reply that takes longer is waited for for ever")
        .argParser(durationArgument)
        .default(DEFAULT_TIMEOUT_MS, formatDurationMs(DEFAULT_TIMEOUT_MS)),
    )
    .addOption(
      new Option("--only <checks>", "names of checks or numbers of tests, comma-separated")
        .argParser(listArgument)
        .default([], "all"),
    )
    .option("--model <name>", "that requests ask for", DEFAULT_MODEL)
    .option("--path <path>", "that requests go to", DEFAULT_PATH)
    .option("--authority <host>", "that requests go to", DEFAULT_AUTHORITY)
    .addOption(headerOption("--call-header <header>", "NAME: VALUE, metadata of every gRPC call"))
    .addOption(headerOption("-H, --header <header>", "NAME: VALUE on every request, as often as needed"))
    .addOption(
      new Option("--subset <endpoints>", "the pool's endpoints, IP:PORT comma-separated")
        .argParser(endpointsArgument)
        .default([], "found out by asking"),
    )
    .option("--fallbacks", "this gateway takes lists: a destination may name several endpoints")
    .addOption(
      new Option("--streams <count>", "requests held open at a time")
        .argParser(countArgument)
        .default(DEFAULT_STREAMS),
    )
    .addOption(
      new Option("--body-limit <bytes>", "where the picker refuses a body (default: not asked)").argParser(
        countArgument,
      ),
    )
    .addOption(headerOption("--shed <header>", "NAME: VALUE of requests that the picker is set up to drop"))
    .option("-v, --verbose", "with what was said on every stream, and when")
    .addOption(
      new Option("-o, --output <form>", "for people or for programs")
        .choices(["text", "json"])
        .default("text"),
    )
    .action(async (target: HostPort, flags: VerifyFlags) => {
      const { verifyPicker } = await import("../verify-picker.ts");
      const code = await verifyPicker({
        settings: {
          target,
          tls: flags.tls === true,
          health: flags.health,
          timeoutMs: flags.timeout,
          model: flags.model,
          path: flags.path,
          authority: flags.authority,
          callHeaders: flags.callHeader,
          headers: flags.header,
          subset: flags.subset,
          fallbacks: flags.fallbacks === true,
          streams: flags.streams,
          largeBodyBytes: LARGE_BODY_BYTES,
          bodyBytesMax: flags.bodyLimit,
          shed: flags.shed,
        },
        only: flags.only,
        verbose: flags.verbose === true,
        output: flags.output,
      });
      if (typeof code === "string") command.error(`error: ${code}`);
      else exit(code);
    });
}

function headerOption(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((text: string, before: readonly Header[]) => [...before, headerArgument(text)])
    .default([], "none");
}

function targetArgument(text: string): HostPort {
  const address = parseHostPort(text);
  if (address !== undefined && address.port > 0) return address;
  throw new InvalidArgumentError("Expected HOST:PORT such as 127.0.0.1:9002.");
}

function listArgument(text: string): readonly string[] {
  return text.split(",").map((word) => word.trim());
}

function headerArgument(text: string): Header {
  const colon = text.indexOf(":", 1);
  const name = text.slice(0, colon).trim().toLowerCase();
  if (colon < 1 || name === "") throw new InvalidArgumentError("Expected NAME: VALUE.");
  return [name, text.slice(colon + 1).trim()];
}

function endpointsArgument(text: string): readonly string[] {
  const endpoints = listArgument(text);
  for (const endpoint of endpoints) {
    const address = parseHostPort(endpoint);
    if (address === undefined || address.port === 0 || isIP(address.host) === 0) {
      throw new InvalidArgumentError("Expected IP:PORT,IP:PORT,…; IPv6 in brackets.");
    }
  }
  return endpoints;
}
