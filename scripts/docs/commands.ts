/**
 * docs/commands.md: every command with its options, as `--help` prints them.
 */
import { buildProgram } from "../../src/cli/program.ts";
import { generatedFrom } from "./markdown.ts";

const HELP_COLUMNS = 110;

export function renderCommands(): string {
  const program = buildProgram(() => {});
  const sections = program.commands.map((command) => {
    const help = command.configureHelp({ helpWidth: HELP_COLUMNS }).helpInformation().trimEnd();
    return `## plimsoll ${command.name()}\n\n\`\`\`text\n${help}\n\`\`\`\n`;
  });
  return `${generatedFrom("src/cli/program.ts")}

# Commands

Data goes to standard output, messages to standard error. Exit codes: 0 done, 1 findings or failure, 2 wrong usage.

${sections.join("\n")}`;
}
