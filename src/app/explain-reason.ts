/**
 * The reason of a decision as the rest of a sentence: "would go to A because ...".
 *
 * Scores are as compared, lower wins; the policies' formulas are in docs/balancing.md.
 */
import type { DecisionReason } from "../model/explanation.ts";

export interface DecisionFacts {
  readonly reason: DecisionReason;
  readonly chosen: string | undefined;
  /** Whose scores are told: the best two of those that were compared. */
  readonly considered: readonly { readonly key: string; readonly score: number | undefined }[];
  /** How many were compared. */
  readonly compared: number;
}

export function becauseOf({ reason, chosen, considered, compared }: DecisionFacts): string {
  const own = considered.find(({ key }) => key === chosen)?.score;
  const other = considered.find(({ key }) => key !== chosen);
  if (own !== undefined && own === other?.score && reason !== "alike") {
    const which = compared > 2 ? nextOf(compared) : "the other that was looked at";
    return `nothing tells it from ${other.key}, ${which} (both ${scoreText(own)})`;
  }
  const versus = versusText(own, other, compared);
  switch (reason) {
    case "none":
      return "of a reason that was not noted";
    case "only-candidate":
      return "there was nobody to compare it with";
    case "turn":
      return "it is its turn";
    case "random":
      return "chance drew it";
    case "fewer-in-flight":
      return `it has fewer requests in flight for its weight${versus}`;
    case "lower-cost":
      return `the next request costs less there${versus}`;
    case "explored":
      return "it was seldom measured, and is tried so that its estimate stays true";
    case "key":
      return "the request's key belongs to it";
    case "key-moved":
      return "the key's own endpoint may not serve, was tried or is too loaded, and it comes next";
    case "cold-fastest":
      return `it is the fastest of those that are not hot${versus}`;
    case "all-hot":
      return `all are hot, and it has the fewest requests in flight${versus}`;
    case "trial":
      return "it was out or failing until now, and gets one request to prove itself";
    case "moved":
      return "the gateway that carries the request sent it there, and not where it was picked to go";
    case "alike":
      return `several cost practically the same, and the prompt's beginning or session belongs to it${likeText(own, other, compared)}`;
    case "few-probes":
      return "fewer than two probes are known, so chance drew it";
  }
}

function versusText(
  score: number | undefined,
  other: { readonly key: string; readonly score: number | undefined } | undefined,
  compared: number,
): string {
  if (score === undefined || other?.score === undefined) return "";
  const [own, others] = distinct(score, other.score);
  const which = compared > 2 ? `, ${nextOf(compared)}` : "";
  return ` (${own} against ${others} at ${other.key}${which})`;
}

/** Which of them is the lower does not matter here. */
function likeText(
  score: number | undefined,
  other: { readonly key: string; readonly score: number | undefined } | undefined,
  compared: number,
): string {
  if (score === undefined || other?.score === undefined) return "";
  const of = compared > 2 ? `, the best other of the ${compared} compared` : "";
  return ` (${scoreText(score)}, and ${scoreText(other.score)} at ${other.key}${of})`;
}

function nextOf(compared: number): string {
  return `the next best of the ${compared} compared`;
}

/** With as many figures as it takes to tell them apart. */
function distinct(score: number, other: number): readonly [string, string] {
  for (let figures = FIGURES; figures < FIGURES_MAX; figures++) {
    const texts = [scoreText(score, figures), scoreText(other, figures)] as const;
    if (texts[0] !== texts[1]) return texts;
  }
  return [String(score), String(other)];
}

/** Nobody compares more by eye. */
const FIGURES = 3;
const FIGURES_MAX = 12;

export function scoreText(score: number, figures = FIGURES): string {
  if (!Number.isFinite(score)) return "without bound";
  if (score !== 0 && Math.abs(score) < 0.001) return score.toExponential(figures - 1);
  return String(Number(score.toPrecision(figures)));
}
