/**
 * Relative links in the documents lead somewhere, to the heading they name.
 */
import { posix } from "node:path";
import { lineAt, type Finding, type Repository, type Rule, type TextFile } from "./rule.ts";

/** `[text](target)` and `![text](target "title")`; the definition form `[id]: target` too. */
const LINK = /\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|^\[[^\]]+\]:\s*<?(\S+?)>?\s*$/gm;

export const links: Rule = {
  name: "relative links in documents resolve",
  reason:
    "A dead link is the first thing a newcomer finds. Moved a file or renamed a heading? Change who points to it.",
  check: (repository) => {
    const documents = repository.files.filter(({ path }) => path.endsWith(".md"));
    const anchors = new Map(documents.map((file) => [file.path, anchorsOf(file.text)]));
    const places = placesOf(repository);
    return documents.flatMap((file) => checkDocument(file, places, anchors));
  },
};

/** Every file, and every folder that holds one. */
function placesOf(repository: Repository): ReadonlySet<string> {
  const places = new Set<string>(["."]);
  for (const { path } of repository.files) {
    for (let place = path; place !== "."; place = posix.dirname(place)) places.add(place);
  }
  return places;
}

function checkDocument(
  file: TextFile,
  places: ReadonlySet<string>,
  anchors: ReadonlyMap<string, ReadonlySet<string>>,
): Finding[] {
  return Array.from(withoutCode(file.text).matchAll(LINK)).flatMap((match) => {
    const target = match[1] ?? match[2] ?? "";
    if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(target)) return [];
    const fault = faultOf(file.path, target, places, anchors);
    return fault === undefined
      ? []
      : [{ path: file.path, line: lineAt(file.text, match.index), message: fault }];
  });
}

function faultOf(
  from: string,
  target: string,
  places: ReadonlySet<string>,
  anchors: ReadonlyMap<string, ReadonlySet<string>>,
): string | undefined {
  const [pathPart = "", anchor] = decodeURI(target).split("#", 2);
  const path = pathPart === "" ? from : posix.join(posix.dirname(from), pathPart).replace(/\/$/, "");
  if (!places.has(path)) return `links to ${target}, and there is no ${path}`;
  if (anchor === undefined || !anchors.has(path) || /^L\d/.test(anchor)) return undefined;
  return anchors.get(path)?.has(anchor) ? undefined : `links to ${target}, and ${path} has no such heading`;
}

/** Headings as the forges turn them into anchors; the second of a name gets `-1`. */
function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of withoutFences(text).matchAll(/^#{1,6}[ \t]+(.*?)[ \t#]*$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-");
    let unique = slug;
    for (let n = 1; anchors.has(unique); n++) unique = `${slug}-${n}`;
    anchors.add(unique);
  }
  for (const [, id = ""] of text.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

function withoutCode(text: string): string {
  return withoutFences(text).replaceAll(/`[^`\n]*`/g, (code) => " ".repeat(code.length));
}

function withoutFences(text: string): string {
  return text.replaceAll(/^ *(```+|~~~+)[^\n]*\n[\s\S]*?^ *\1 *$/gm, (code) =>
    code.replaceAll(/[^\n]/g, " "),
  );
}
