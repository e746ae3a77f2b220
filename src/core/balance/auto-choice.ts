/**
 * Which policy Auto means, by what is known of the pool, and why: a table of rules, the first that holds.
 *
 * | known | policy |
 * |---|---|
 * | one endpoint | ShortestDelay, there is nothing to choose |
 * | most endpoints report their requests in flight | Prequal: the best signal there is, own and others' traffic in one |
 * | most answers are streams, and most endpoints report their utilisation | ResourceAware |
 * | else | ShortestDelay |
 *
 * LocalityAware is never chosen: where it is at its best, an uneven fleet behind several gateways, ShortestDelay has two
 * thirds of its p99 in simulation (five gateways, half of the endpoints three times faster, 70 % load: 21 ms against 32).
 *
 * Each rule has a lower bar to stay than to enter (`current`), so that the effect of a policy does not remove its cause.
 */
import type { BalancingPolicy } from "../../model/policy.ts";

export interface PoolKnowledge {
  readonly endpoints: number;
  /** Share of the endpoints that have reported their requests in flight lately, in [0, 1]. */
  readonly rifReported: number;
  /** Share that have reported a utilisation. */
  readonly utilisationReported: number;
  /** Share of recent answers that went on long after their first byte. */
  readonly streams: number;
}

export interface AutoChoice {
  readonly policy: Exclude<BalancingPolicy, "Auto">;
  readonly because: string;
}

const MOST = 0.5;
const STILL_SOME = 0.2;

export function autoChoice(known: PoolKnowledge, current: BalancingPolicy): AutoChoice {
  if (known.endpoints <= 1)
    return { policy: "ShortestDelay", because: "one endpoint leaves nothing to choose" };
  if (known.rifReported >= (current === "Prequal" ? STILL_SOME : MOST)) {
    return {
      policy: "Prequal",
      because: `${percent(known.rifReported)} of the endpoints report their requests in flight`,
    };
  }
  const most = current === "ResourceAware" ? STILL_SOME : MOST;
  if (known.streams >= most && known.utilisationReported >= most) {
    return {
      policy: "ResourceAware",
      because: `${percent(known.streams)} of the answers are streams, whose load the time to the first byte does not show, and ${percent(known.utilisationReported)} of the endpoints report their utilisation`,
    };
  }
  return {
    policy: "ShortestDelay",
    because: "the gateway's own counts and latencies tell more than what endpoints report",
  };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
