/**
 * The frame of a bench: its command line, a folder of its own, and the promise that every process it started is ended,
 * by id, also on failure, SIGINT and SIGTERM. A missed target is a result and no failure: only what breaks is.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { stopAll, stopAllNow } from "./children.ts";

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Progress goes to stderr, so that stdout holds the report alone. */
export function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Ends the process: 0 done, 1 broken, 2 not asked rightly or not on this machine, 130 interrupted. */
export async function runBench<Options>(
  options: Options | "help" | Error,
  help: string,
  run: (options: Options, folder: string) => Promise<void>,
): Promise<never> {
  if (options === "help") {
    say(help);
    process.exit(0);
  }
  if (options instanceof Error) {
    progress(options.message);
    process.exit(2);
  }
  if (process.platform !== "linux") {
    progress("The bench reads processor time and its children from /proc and so runs on Linux only.");
    process.exit(2);
  }
  const folder = mkdtempSync(join(tmpdir(), "plimsoll-bench-"));
  process.once("exit", () => {
    stopAllNow();
    rmSync(folder, { recursive: true, force: true });
  });
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, () => process.exit(130));
  let code = 0;
  try {
    await run(options, folder);
  } catch (error) {
    progress(String(error));
    code = 1;
  }
  await stopAll();
  process.exit(code);
}

/** The command as it was given, for the record: `npm run bench:x -- --flag`. */
export function commandOf(script: string): string {
  return ["npm run", script, "--", ...process.argv.slice(2)].join(" ").replace(/ --$/, "");
}

export function writeRecord(file: string, record: object): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(record, null, 1)}\n`);
  progress(`written: ${relative(process.cwd(), file)}`);
}
