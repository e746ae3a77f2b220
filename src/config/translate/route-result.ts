/**
 * Everything known of one of our routes once attachment, references and unsupported fields are judged: what the
 * configuration is assembled from and the status is told from.
 */
import type { Problem } from "../../model/problem.ts";
import type { Attachment, OwnRoute } from "./attach.ts";
import type { TranslatedRoute } from "./rules.ts";

export interface RouteResult extends OwnRoute {
  /** What the route asks for that is not supported yet; anything here keeps it from being served. */
  readonly unsupported: readonly Problem[];
  readonly translated: TranslatedRoute;
}

/**
 * Where the route serves, each listener once even if two parentRefs select it. A route that asks for what we cannot do
 * yet serves nowhere: half of what it says would be a wrong answer.
 */
export function servedOn({ unsupported, parents }: RouteResult): readonly Attachment[] {
  if (unsupported.length > 0) return [];
  const all = parents.flatMap(({ outcome }) => (outcome.kind === "attached" ? outcome.attachments : []));
  return [...new Map(all.map((attachment) => [attachment.listener, attachment])).values()];
}
