/**
 * The answer to `GET /v1/models` on a route that leads to model servers: what its pools' engines serve, and the names that
 * rewrites know. Any one engine could only tell of itself.
 */
import { mergeModels, modelListText } from "../../core/inference/served-models.ts";
import type { PoolRouted } from "../route-request.ts";

/** The prefix may be one's own, as for prompts. */
const MODELS_SUFFIX = "/models";

/** JSON; undefined: the request asks for something else, or nothing is known yet and an engine is to be asked. */
export function modelsAnswer(
  { pool, rule }: PoolRouted,
  { method, path }: { readonly method: string; readonly path: string },
): string | undefined {
  if (pool.spec.inference === undefined || !asksForModels(method, path)) return undefined;
  const served = [...rule.routePools].filter(({ spec }) => spec.inference !== undefined);
  const lists = served.flatMap(({ engines }) => engines?.modelLists() ?? []);
  if (lists.every((list) => list.length === 0)) return undefined;
  return modelListText(
    mergeModels(
      lists,
      served.flatMap(({ spec }) => spec.inference!.rewrites),
    ),
  );
}

/** `target`: as in the request line; a query and a slash at the end do not count. */
function asksForModels(method: string, target: string): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  const query = target.indexOf("?");
  const path = query < 0 ? target : target.slice(0, query);
  return path.endsWith(MODELS_SUFFIX) || path.endsWith(`${MODELS_SUFFIX}/`);
}
