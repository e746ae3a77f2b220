/**
 * Why the next pick would go where it would: the same decision, made by a copy of the picker in a copy of the world, and
 * told with its reasons.
 *
 * Told is what the policy would choose. Not foreseen is what a pick does before it asks the policy: ejections that are due,
 * and the trial of an endpoint that is out (pool-brain.ts). A hash table is asked as it stands, also where it is due to be built.
 *
 * Nothing real moves: neither the generator, nor a turn, nor a probe's uses. The price is a copy of the columns, about a
 * millisecond for 10,000 endpoints; never on the path of a request.
 */
import type {
  DecisionReason,
  ExplainedCandidate,
  Explanation,
  FilteredEndpoint,
  FilterReason,
} from "../../model/explanation.ts";
import { CANDIDATES_TOLD, DECISION_REASONS } from "../../model/explanation.ts";
import { copyPrng, type Prng } from "../../std/prng.ts";
import { DRAINING, FREE, LEAVING, type Columns } from "../signals/columns.ts";
import type { Chooser } from "./chooser.ts";
import { wellness, type Eligible } from "./eligible.ts";
import { ANY_ZONE } from "./group.ts";
import type { Members } from "./members.ts";
import type { PickFacts } from "./pick-facts.ts";
import type { PickerAccount } from "./picker.ts";
import { NONE } from "./two-choices.ts";

/** How many numbers of the generator are told: no policy draws more as a rule. */
const CHANCE_TOLD = 8;

export interface ExplainSetting {
  readonly columns: Columns;
  readonly eligible: Eligible;
  readonly members: Members;
  readonly chooser: Chooser;
  readonly prng: Prng;
}

export function explainPick(setting: ExplainSetting, facts: PickFacts, nowMs: number): Explanation {
  const { eligible, members, chooser } = setting;
  const frame = {
    policy: chooser.policy,
    panic: eligible.panic,
    eligible: eligible.size,
    chance: nextNumbers(setting.prng),
  };
  if (eligible.size === 0) {
    return {
      ...frame,
      ...accountOf(chooser.picker.account()),
      filtered: filteredOf(setting, facts, undefined),
      considered: [],
      compared: [],
      chosen: undefined,
      refused: eligible.anyMayServe ? "pool-full" : "no-endpoint",
      reason: "none",
    };
  }
  const { picker, world } = chooser.shadow(setting.prng, nowMs);
  const slot = picker.choose(facts, nowMs);
  const { trace } = world;
  const scores = new Map(trace.scanScores.map((score, at) => [trace.scan![at]!, score]));
  const looked =
    scores.size === 0
      ? [...new Set([trace.first, trace.second, slot])].filter((each) => each !== NONE)
      : bestOf(scores, slot);
  const compared = trace.compared > 2 ? trace.scan! : trace.compared === 2 ? [trace.first, trace.second] : [];
  const stood = new Set(trace.scan);
  const prompts = facts.prompt === undefined ? undefined : world.inference();
  const misfit = (each: number): FilterReason | undefined =>
    stood.has(each) ? undefined : prompts?.misfit(each, facts.prompt!, facts.stage ?? "decode");
  const account = picker.account();
  return {
    ...frame,
    ...accountOf(account),
    filtered: filteredOf(setting, facts, account.group, misfit),
    considered: looked.map((each): ExplainedCandidate => {
      const { key, displayName, zone } = members.endpointAt(each);
      const score =
        scores.get(each) ??
        (each === trace.first ? trace.scores[0]! : each === trace.second ? trace.scores[1]! : Number.NaN);
      return {
        key,
        displayName,
        zone,
        score: Number.isNaN(score) ? undefined : score,
        factors: picker.factors(each, nowMs),
      };
    }),
    compared: [...new Set(compared)].map((each) => members.endpointAt(each).key),
    chosen: members.endpointAt(slot).key,
    refused: undefined,
    reason: reasonOf(trace.reason),
  };
}

/** The lowest first. */
function bestOf(scores: ReadonlyMap<number, number>, chosen: number): readonly number[] {
  const slots = [...scores].toSorted(([, a], [, b]) => a - b).map(([slot]) => slot);
  const best = slots.slice(0, CANDIDATES_TOLD);
  return best.includes(chosen) ? best : [...best, chosen];
}

function reasonOf(code: number): DecisionReason {
  return DECISION_REASONS[code] ?? "none";
}

function accountOf(account: PickerAccount): Pick<Explanation, "carriedOutBy" | "group"> {
  return { carriedOutBy: account.carriedOutBy, group: account.group };
}

function nextNumbers(prng: Prng): readonly number[] {
  const copy = copyPrng(prng);
  return Array.from({ length: CHANCE_TOLD }, () => copy.uint32());
}

function filteredOf(
  setting: ExplainSetting,
  facts: PickFacts,
  group: Explanation["group"],
  misfit: (slot: number) => FilterReason | undefined = () => undefined,
): readonly FilteredEndpoint[] {
  const { columns, eligible, members } = setting;
  const filtered: FilteredEndpoint[] = [];
  for (let slot = 0; slot < members.bound; slot++) {
    if (columns.state[slot] === FREE) continue;
    const reason = eligible.has(slot)
      ? (choiceFilter(columns, slot, facts, group) ?? misfit(slot))
      : serviceFilter(setting, slot);
    if (reason !== undefined) filtered.push({ key: members.endpointAt(slot).key, reason });
  }
  return filtered;
}

/** Why one who may not serve may not. */
function serviceFilter({ columns, eligible }: ExplainSetting, slot: number): FilterReason {
  if (columns.state[slot] === LEAVING) return "leaving";
  if (!eligible.isOfLane(slot)) return "other-class";
  if (eligible.maySlotServe(slot)) return "full";
  if (columns.ejected[slot] === 1) return "ejected";
  if (wellness(columns, slot) === 0) return "unhealthy";
  return columns.state[slot] === DRAINING ? "draining" : "unhealthy";
}

/** Why one who may serve stood back this time. */
function choiceFilter(
  { traits }: Columns,
  slot: number,
  { tried }: PickFacts,
  group: Explanation["group"],
): FilterReason | undefined {
  if (tried.includes(slot)) return "tried";
  if (group === undefined) return undefined;
  const isInZone = group.zone === ANY_ZONE || traits.zoneNames[traits.zone[slot]!] === group.zone;
  const isInGroup = traits.priority[slot] === group.priority && isInZone;
  return isInGroup ? undefined : "other-group";
}
