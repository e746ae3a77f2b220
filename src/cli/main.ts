/**
 * The entry point of the command `plimsoll`.
 *
 * Exit codes: 0 done, 1 findings or failure, 2 wrong usage.
 */
import { CommanderError } from "commander";
import { buildProgram } from "./program.ts";

// Whoever reads what is printed may stop when it has seen enough (`| head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`error: standard output cannot be written: ${error.message}\n`);
  process.exit(1);
});

const program = buildProgram((code) => {
  process.exitCode = code;
});
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has said what is wrong; help and version are no error.
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
