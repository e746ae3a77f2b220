/**
 * The little Markdown that generated pages need.
 */

/** Tells readers where to change what they read. */
export function generatedFrom(source: string): string {
  return `<!-- Generated from ${source} by \`npm run docs:generate\`. Edit the source, not this page. -->`;
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
