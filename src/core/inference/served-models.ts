/**
 * Which models clients may ask for: what the engines of several pools list, as one list.
 *
 * The shape is that of `GET /v1/models` of the OpenAI API, with what vLLM and SGLang add to an entry: `root`, `parent` (the base
 * model, so that the entry is an adapter) and `max_model_len`. Lists come from engines and are judged: an entry without a
 * name is left out, a field of the wrong type counts as not said.
 */
import type { RewriteRule } from "../../model/inference-pool.ts";

/** Entries of one engine's list; far more than any engine serves. */
const LISTED_MAX = 4_096;
/** Longer ones are no names; as for the names in rewrites. */
const NAME_LENGTH_MAX = 1_024;
/** Who owns a name that only the configuration knows. */
const OWN = "plimsoll";

export interface ServedModel {
  readonly id: string;
  /** Seconds since 1970; 0: not said. */
  readonly created: number;
  readonly ownedBy: string;
  readonly root: string | undefined;
  /** The model that it is an adapter of; undefined: it is none. */
  readonly parent: string | undefined;
  /** Prompt and answer together, in tokens. */
  readonly lengthMax: number | undefined;
}

/** One engine's answer; undefined: it is none. */
export function readModelList(text: string): readonly ServedModel[] | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  const data = isRecord(answer) ? answer["data"] : undefined;
  if (!Array.isArray(data)) return undefined;
  return data.slice(0, LISTED_MAX).flatMap(readEntry);
}

function readEntry(entry: unknown): readonly ServedModel[] {
  if (!isRecord(entry)) return [];
  const id = nameOf(entry["id"]);
  if (id === undefined) return [];
  return [
    {
      id,
      created: wholeOf(entry["created"]) ?? 0,
      ownedBy: nameOf(entry["owned_by"]) ?? "",
      root: nameOf(entry["root"]),
      parent: nameOf(entry["parent"]),
      lengthMax: wholeOf(entry["max_model_len"]),
    },
  ];
}

/** Of models and adapters in several lists, which are those of adapters. */
export function adapterNames(lists: Iterable<readonly ServedModel[]>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const list of lists) for (const { id, parent } of list) if (parent !== undefined) names.add(id);
  return names;
}

/**
 * Each name once, in the order in which it is met. Engines that differ in how much a model may hold are named with the least,
 * which is good anywhere. Names that only rewrites know come last.
 */
export function mergeModels(
  lists: Iterable<readonly ServedModel[]>,
  rewrites: readonly RewriteRule[],
): readonly ServedModel[] {
  const merged = new Map<string, ServedModel>();
  for (const list of lists) {
    for (const model of list) {
      const known = merged.get(model.id);
      merged.set(model.id, known === undefined ? model : narrower(known, model));
    }
  }
  for (const { models, targets } of rewrites) {
    for (const id of models) if (!merged.has(id)) merged.set(id, rewritten(id, targets, merged));
  }
  return [...merged.values()];
}

function narrower(known: ServedModel, other: ServedModel): ServedModel {
  if (other.lengthMax === undefined || other.lengthMax >= (known.lengthMax ?? Infinity)) return known;
  return { ...known, lengthMax: other.lengthMax };
}

function rewritten(
  id: string,
  targets: readonly { readonly model: string }[],
  listed: ReadonlyMap<string, ServedModel>,
): ServedModel {
  const known = targets.flatMap(({ model }) => listed.get(model) ?? []);
  const lengths = known.flatMap(({ lengthMax }) => lengthMax ?? []);
  return {
    id,
    created: Math.max(0, ...known.map(({ created }) => created)),
    ownedBy: OWN,
    root: targets.length === 1 ? targets[0]!.model : undefined,
    parent: undefined,
    lengthMax: lengths.length === 0 ? undefined : Math.min(...lengths),
  };
}

/** The body of the answer. */
export function modelListText(models: readonly ServedModel[]): string {
  const data = models.map(({ id, created, ownedBy, root, parent, lengthMax }) => ({
    id,
    object: "model",
    created,
    owned_by: ownedBy,
    ...(root === undefined ? {} : { root }),
    ...(parent === undefined ? {} : { parent }),
    ...(lengthMax === undefined ? {} : { max_model_len: lengthMax }),
  }));
  return JSON.stringify({ object: "list", data });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function nameOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= NAME_LENGTH_MAX ? value : undefined;
}

function wholeOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value > 0 ? value : undefined;
}
