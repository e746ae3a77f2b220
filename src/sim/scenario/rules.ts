/**
 * What a schema cannot see: rules that join several sections of a scenario.
 */
import type { Manifest } from "../../config/read/documents.ts";
import { pathText, type Path } from "../../config/read/path.ts";
import type { Problem } from "../../model/problem.ts";
import { parseDurationMs } from "../../std/duration.ts";
import type { ScenarioFile } from "./schema.ts";

/** Shares are kept per endpoint and tenth of a second; this many cells are 200 MB. */
const CELLS_MAX = 50_000_000;

export function crossProblems(manifest: Manifest, file: ScenarioFile): readonly Problem[] {
  const problems: Problem[] = [];
  const say = (path: Path, message: string, expected: string, found: string): void => {
    const place = manifest.locate(path, "value");
    problems.push({
      severity: "error",
      ...place,
      object: "",
      path: pathText(path),
      message,
      expected,
      found,
    });
  };
  const selected = [
    ...(file.faults ?? []).map((fault, index) => ({ on: fault.on, path: ["faults", index, "on"] })),
    ...(file.antagonists ?? []).map(({ on }, index) => ({
      on: on ?? {},
      path: ["antagonists", index, "on"],
    })),
  ];
  for (const { on, path } of selected) {
    const matching = file.endpoints.filter(
      ({ name, zones }) =>
        (on.group === undefined || on.group === name) &&
        (on.zone === undefined || (zones ?? []).includes(on.zone)),
    );
    if (matching.length === 0) say(path, "no endpoint is meant by this", "a group and zone of endpoints", "");
  }
  const names = file.endpoints.map(({ name }) => name);
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (twice >= 0)
    say(["endpoints", twice, "name"], "the name stands twice", "each group its own", names[twice]!);
  if (msOf(file.warmUp ?? "0s") >= msOf(file.duration))
    say(["warmUp"], "the warm-up leaves nothing to measure", `less than ${file.duration}`, file.warmUp ?? "");
  const servers = file.endpoints.reduce((sum, { count }) => sum + count, 0);
  if ((servers * msOf(file.duration)) / 100 > CELLS_MAX)
    say(
      ["duration"],
      "too long for so many endpoints",
      `endpoints * seconds at most ${CELLS_MAX / 10}`,
      file.duration,
    );
  return problems;
}

function msOf(duration: string): number {
  return parseDurationMs(duration) ?? 0;
}
