/**
 * The commands and their options; each command's own file is loaded only when it is asked for.
 *
 * `exit` is told the exit code when a command is done: 0 done, 1 findings or failure.
 */
import { readFileSync } from "node:fs";
import { Command, Option } from "commander";
import type { ExplainFlags } from "./explain.ts";
import type { PickerOptions } from "../edge/extproc/picker.ts";
import { formatDurationMs } from "../std/duration.ts";
import { DEFAULT_CLIENT_LIMITS } from "../edge/http/limits.ts";
import {
  addressArgument,
  adminUrlArgument,
  countArgument,
  durationArgument,
  fallbacksArgument,
  listenArgument,
  portArgument,
  seedArgument,
  type HostPort,
  type ListenArgument,
} from "./arguments.ts";
import { addVerifyPicker } from "./verify-picker/command.ts";

interface ServeFlags {
  readonly file: readonly string[];
  readonly admin: HostPort | "off";
  readonly accessLog: string;
  readonly logLevel: string;
  readonly drainTimeout: number;
  readonly headTimeout: number;
  readonly clientIdleTimeout: number;
  readonly maxConnections: number;
  readonly maxHeadBytes: number;
  readonly seed?: number;
  readonly zone?: string;
  readonly extProc?: ListenArgument | "off";
  readonly extProcHealth: ListenArgument | "off";
  readonly extProcTls: "off" | "self-signed";
  readonly extProcCert?: string;
  readonly extProcKey?: string;
  readonly extProcFallbacks: number;
}

interface SimulateFlags {
  readonly policy?: readonly string[];
  readonly seed?: number;
  readonly output: "table" | "json";
  readonly svg?: string;
}

interface DemoFlags {
  readonly inference?: boolean;
  readonly plain?: boolean;
  readonly seconds?: number;
}

const ADMIN_DEFAULT: HostPort = { host: "127.0.0.1", port: 9900 };

export function buildProgram(exit: (code: number) => void): Command {
  const program = new Command("plimsoll")
    .description("An intelligent load balancer for Kubernetes: one brain decides where every request goes.")
    .version(version())
    .exitOverride();
  addServe(program, exit);
  addCheck(program, exit);
  addExplain(program, exit);
  addSimulate(program, exit);
  addDemo(program, exit);
  addVerifyPicker(program, exit);
  return program;
}

function addServe(program: Command, exit: (code: number) => void): void {
  const limits = DEFAULT_CLIENT_LIMITS;
  program
    .command("serve")
    .description("Run the gateway from manifests in files or folders, reloading when they change.")
    .requiredOption("-f, --file <path...>", "manifest files, or folders read recursively")
    .addOption(
      new Option("--admin <address>", "admin address, or off")
        .argParser(addressArgument)
        .default(ADMIN_DEFAULT, "127.0.0.1:9900"),
    )
    .option("--access-log <where>", "stdout, off, or a file's path", "stdout")
    .addOption(
      new Option("--log-level <level>", "events on standard error")
        .choices(["trace", "debug", "info", "warn", "error", "silent"])
        .default("info"),
    )
    .addOption(
      duration("--drain-timeout <duration>", "time for exchanges to end after SIGTERM", limits.drainMs),
    )
    .addOption(
      duration("--head-timeout <duration>", "time a client has to send a request's head", limits.headTimeMs),
    )
    .addOption(duration("--client-idle-timeout <duration>", "idle time between two requests", limits.idleMs))
    .addOption(count("--max-connections <count>", "client connections in all", limits.connectionsMax))
    .addOption(count("--max-head-bytes <count>", "bytes of a request's head", limits.headBytesMax))
    .option("--seed <number>", "makes every decision repeatable", seedArgument)
    .addOption(
      new Option("--zone <name>", "zone this gateway stands in; its endpoints come first").env(
        "PLIMSOLL_ZONE",
      ),
    )
    .addOption(
      new Option("--ext-proc <address>", "answer gateways as their endpoint picker, such as :9002").argParser(
        listenArgument,
      ),
    )
    .addOption(
      new Option("--ext-proc-health <address>", "gRPC health in the clear, or off")
        .argParser(listenArgument)
        .default({ host: undefined, port: 9003 }, ":9003, with --ext-proc"),
    )
    .addOption(
      new Option("--ext-proc-tls <how>", "a certificate made at the start, or none")
        .choices(["off", "self-signed"])
        .default("off"),
    )
    .option("--ext-proc-cert <file>", "certificate in PEM, read again when it changes; with --ext-proc-key")
    .option("--ext-proc-key <file>", "its private key")
    .addOption(
      new Option(
        "--ext-proc-fallbacks <count>",
        "endpoints named beside the one picked; not all gateways read them",
      )
        .argParser(fallbacksArgument)
        .default(0),
    )
    .action(async (flags: ServeFlags, command: Command) => {
      const picker = pickerOf(flags);
      if (typeof picker === "string") return command.error(`error: ${picker}`);
      const { serve } = await import("./serve.ts");
      exit(
        await serve({
          paths: flags.file,
          admin: flags.admin,
          accessLog: accessLogOf(flags.accessLog),
          logLevel: flags.logLevel,
          limits: {
            headBytesMax: flags.maxHeadBytes,
            headTimeMs: flags.headTimeout,
            idleMs: flags.clientIdleTimeout,
            connectionsMax: flags.maxConnections,
            drainMs: flags.drainTimeout,
          },
          seed: flags.seed,
          // An empty variable is how many a template says "not known".
          zone: flags.zone === "" ? undefined : flags.zone,
          picker,
        }),
      );
    });
}

/** A text: why not. Undefined: no picker. */
function pickerOf(flags: ServeFlags): PickerOptions | string | undefined {
  const { extProc, extProcHealth, extProcTls, extProcCert: cert, extProcKey: key } = flags;
  if (extProc === undefined && (cert !== undefined || key !== undefined || extProcTls !== "off")) {
    return "TLS of the endpoint picker needs --ext-proc, the port where it serves";
  }
  if (extProc === undefined || extProc === "off") return undefined;
  if ((cert === undefined) !== (key === undefined)) return "--ext-proc-cert and --ext-proc-key go together";
  const isSelfSigned = extProcTls === "self-signed";
  const files = cert === undefined || key === undefined ? undefined : { cert, key };
  if (isSelfSigned && files !== undefined) return "a certificate is given, or made: not both";
  return {
    address: extProc,
    healthAddress: extProcHealth === "off" ? undefined : extProcHealth,
    tls: isSelfSigned ? "self-signed" : files,
    fallbacksMax: flags.extProcFallbacks,
  };
}

function addCheck(program: Command, exit: (code: number) => void): void {
  program
    .command("check")
    .description("Validate manifests: every problem with its place, what was expected and what was found.")
    .argument("<path...>", "manifest files, or folders read recursively")
    .addOption(
      new Option("-o, --output <form>", "for people or for programs")
        .choices(["text", "json"])
        .default("text"),
    )
    .action(async (paths: string[], flags: { readonly output: "text" | "json" }) => {
      const { check } = await import("./check.ts");
      exit(await check(paths, flags.output));
    });
}

function addExplain(program: Command, exit: (code: number) => void): void {
  const command = program.command("explain");
  command
    .description(
      "Say where a request would go and why, by manifests or by a running gateway; or why one went where it did.",
    )
    .option("--request <request>", "METHOD http://HOST/PATH; nothing is sent")
    .addOption(
      new Option("-H, --header <header>", "NAME: VALUE of that request, as often as needed")
        .argParser(collect)
        .default([], "none"),
    )
    .option("--body <file>", "its body, a prompt's JSON; - is standard input")
    .option("--port <port>", "that it comes to (default: the URL's, or the only one)", portArgument)
    .option("--client <address>", "that it comes from (default: 127.0.0.1)")
    .option(
      "-f, --file <path...>",
      "manifests, taken as `serve` would take them, instead of a running gateway",
    )
    .option("--seed <number>", "with -f: the gateway's chance (default: any)", seedArgument)
    .option("--zone <name>", "with -f: the zone the gateway stands in")
    .option("--id <id>", "a decision of the past: NAMESPACE/SERVICE:PORT/NUMBER")
    .option("--access-log <file>", "with --id: where the request with that X-Request-Id is looked up")
    .option("--admin <address>", "the running gateway's (default: http://127.0.0.1:9900)", adminUrlArgument)
    .addOption(
      new Option("-o, --output <form>", "for people or for programs")
        .choices(["text", "json"])
        .default("text"),
    )
    .action(async (flags: ExplainFlags) => {
      const { explainOptions, runExplain } = await import("./explain.ts");
      const options = explainOptions(flags);
      if (typeof options === "string") command.error(`error: ${options}`);
      else exit(await runExplain(options));
    });
}

function addSimulate(program: Command, exit: (code: number) => void): void {
  program
    .command("simulate")
    .description("Run the brain in virtual time on a scenario and compare policies side by side.")
    .argument("<scenario>", "scenario file; examples/scenarios has some")
    .addOption(
      new Option("--policy <names>", "policies, comma-separated (default: the scenario's)").argParser(
        namesArgument,
      ),
    )
    .addOption(
      new Option("--seed <number>", "another course of chance (default: the scenario's)").argParser(
        seedArgument,
      ),
    )
    .addOption(
      new Option("-o, --output <form>", "for people or for programs")
        .choices(["table", "json"])
        .default("table"),
    )
    .option("--svg <file>", "write a plot of latency and shares over time")
    .action(async (scenario: string, flags: SimulateFlags) => {
      const { runSimulate } = await import("./simulate.ts");
      exit(
        runSimulate(scenario, {
          policies: flags.policy,
          seed: flags.seed,
          output: flags.output,
          svg: flags.svg,
        }),
      );
    });
}

function addDemo(program: Command, exit: (code: number) => void): void {
  program
    .command("demo")
    .description(
      "Everything at once on this machine: endpoints that misbehave, load, the gateway, a live table.",
    )
    .option("--inference", "model servers and conversations: Inference and RoundRobin side by side")
    .option("--plain", "plain lines, even on a terminal")
    .option("--seconds <count>", "end by itself after so long", countArgument)
    .action(async ({ inference, ...flags }: DemoFlags) => {
      if (inference === true) {
        const { runInferenceDemo } = await import("./demo/inference/inference-demo.ts");
        exit(await runInferenceDemo(flags));
        return;
      }
      const { runDemo } = await import("./demo.ts");
      exit(await runDemo(flags));
    });
}

function duration(flags: string, description: string, defaultMs: number): Option {
  return new Option(flags, description)
    .argParser(durationArgument)
    .default(defaultMs, formatDurationMs(defaultMs));
}

function count(flags: string, description: string, defaultCount: number): Option {
  return new Option(flags, description).argParser(countArgument).default(defaultCount);
}

function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

function namesArgument(names: string): readonly string[] {
  return names.split(",").map((name) => name.trim());
}

function accessLogOf(where: string): "off" | "stdout" | { readonly path: string } {
  return where === "off" || where === "stdout" ? where : { path: where };
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
