/**
 * One run: a workload at a rate, gateways with one policy, engines in virtual time, from the first arrival to the last answer.
 *
 * The gateways' policies are the objects that decide in the real gateway. The result depends on the arguments alone: every random
 * number comes from the seed, arrivals and the draw of the gateway do not depend on the policy.
 */
import type { InferencePolicy, InferenceWorld } from "../../core/inference/policy/inference-policy.ts";
import { DEFAULT_INDEX_BLOCKS_MAX } from "../../core/inference/policy/inference-policy.ts";
import { createPrng } from "../../std/prng.ts";
import { configOf } from "../engine/engine-config.ts";
import { Agenda } from "../world/agenda.ts";
import { DelayLine } from "../world/delay-line.ts";
import { Engine as Timeline } from "../world/engine.ts";
import { Call } from "./call.ts";
import { planFaults, type InferenceFault } from "./faults.ts";
import { InferenceGateway } from "./gateway.ts";
import { isLate, meets, type Judgement } from "./goodput.ts";
import { Host } from "./host.ts";
import { nameBlocks } from "./names.ts";
import { Signals, type SignalFault, type SignalSpec } from "./signals.ts";
import { isCounted, type Workload } from "./workload/workload.ts";

export interface InferenceSetting {
  readonly workload: Workload;
  readonly ratePerSec: number;
  readonly seed: number;
  readonly policy: (world: InferenceWorld, hosts: readonly Host[]) => InferencePolicy;
  readonly gateways: number;
  readonly signals: SignalSpec;
  readonly faults: readonly InferenceFault[];
  /** From a gateway's decision to the engine's queue. */
  readonly dispatchMs: number;
  /** So long a client waits for the first token. */
  readonly patienceMs: number;
  /** The run may end once the share of good requests is certain to be below this; 0: it goes to the end. */
  readonly stopBelow: number;
  readonly stopwatch: (() => number) | undefined;
}

export interface InferenceRun {
  readonly setting: InferenceSetting;
  readonly calls: readonly Call[];
  readonly hosts: readonly Host[];
  readonly gateways: readonly InferenceGateway[];
  readonly judgement: Judgement;
  /** It was ended early: too many had failed. */
  readonly stopped: boolean;
  readonly endMs: number;
}

export const DEFAULT_SIGNALS: SignalSpec = { scrapeEveryMs: 100, scrapeDelayMs: 5, cacheEvents: undefined };

/** A gateway reads bytes: its token counts are off by up to so much either way. */
const ESTIMATE_ERROR = 0.1;

/** So long after the last arrival an answer that is still missing is given up. */
const AFTERMATH_MS = 3_600_000;

export function runInference(setting: InferenceSetting): InferenceRun {
  const { workload, seed, ratePerSec } = setting;
  const timeline = new Timeline();
  const agenda = new Agenda(timeline);
  const nowMs = (): number => timeline.nowMs;
  const stretch = workload.nominalRatePerSec / ratePerSec;
  const names = nameBlocks(workload.requests);
  const draw = createPrng(seed ^ 0x5eed);
  const calls = workload.requests.map((work, id) => {
    const ratio = 1 + ESTIMATE_ERROR * (2 * draw.float() - 1);
    const gateway = draw.below(setting.gateways);
    return new Call(id, work, gateway, {
      ratio,
      blockTokens: workload.blockTokens,
      blocks: names.blocksOf(work, workload.blockTokens),
    });
  });
  const followers = new Map<number, Call[]>();
  for (const call of calls) {
    if (call.work.after < 0) continue;
    const siblings = followers.get(call.work.after);
    if (siblings === undefined) followers.set(call.work.after, [call]);
    else siblings.push(call);
  }
  const total = calls.filter(({ id, work }) => isCounted(work, id, calls.length)).length;
  const judgement: Judgement = { counted: 0, failed: 0, total };
  const failuresMax = setting.stopBelow > 0 ? (1 - setting.stopBelow) * judgement.total : Infinity;

  const fault = (): SignalFault => ({ frozen: undefined, lie: 1 });
  const signalFaults = workload.fleet.map(fault);
  const hosts: Host[] = [];
  const gateways: InferenceGateway[] = [];
  const reference = workload.fleet[0]!;
  const gatewayOf = (call: Call): InferenceGateway => gateways[call.gateway]!;
  for (const [slot, profile] of workload.fleet.entries()) {
    hosts.push(
      new Host(slot, configOf(profile, { blockTokens: workload.blockTokens }), timeline, {
        firstToken: (call) => {
          gatewayOf(call).firstToken(call);
          if (isLate(call, reference)) judge(call, false);
        },
        token: (call, generated) => gatewayOf(call).token(call, generated),
        finished: (call, cachedTokens) => gatewayOf(call).finished(call, cachedTokens),
        dropped: (call) => gatewayOf(call).dropped(call),
        blockStored: (at, hash) => signals.stored(at, hash),
        blockRemoved: (at, hash) => signals.removed(at, hash),
      }),
    );
  }
  const wire = new DelayLine<Call>(timeline, setting.dispatchMs, (call) => {
    if (call.end === "open" && !hosts[call.slot]!.take(call)) gatewayOf(call).refused(call);
  });
  for (let index = 0; index < setting.gateways; index++) {
    const world = {
      prng: createPrng((seed ^ Math.imul(index + 1, 0x85eb_ca6b)) >>> 0),
      indexBlocksMax: DEFAULT_INDEX_BLOCKS_MAX,
    };
    gateways.push(
      new InferenceGateway(setting.policy(world, hosts), hosts.length, {
        nowMs,
        send: (call) => wire.send(call),
        ended,
        stopwatch: setting.stopwatch,
      }),
    );
  }
  const signals = new Signals(setting.signals, {
    agenda,
    hosts,
    gateways,
    faults: signalFaults,
    nowMs,
    prng: createPrng(seed ^ 0x51a1),
    names: names.byHash,
  });
  const patience = new DelayLine<Call>(timeline, setting.patienceMs, (call) => {
    if (call.end !== "open" || call.firstMs >= 0) return;
    hosts[call.slot]!.cancel(call);
    gatewayOf(call).abandoned(call);
  });
  let open = calls.length;
  let stopped = false;
  function judge(call: Call, isGood: boolean): void {
    call.isJudged = true;
    if (!isCounted(call.work, call.id, calls.length)) return;
    judgement.counted++;
    if (!isGood) judgement.failed++;
    if (judgement.failed <= failuresMax) return;
    stopped = true;
    timeline.stop();
  }
  function arrive(call: Call): void {
    call.arrivedMs = timeline.nowMs;
    if (Number.isFinite(setting.patienceMs)) patience.send(call);
    gatewayOf(call).arrived(call);
  }
  function ended(call: Call): void {
    open--;
    if (!call.isJudged) judge(call, meets(call, reference));
    for (const follower of followers.get(call.id) ?? [])
      agenda.after(follower.work.thinkMs, () => arrive(follower));
    if (open === 0) timeline.stop();
  }
  const roots = calls.filter(({ work }) => work.after < 0);
  const lastArrivalMs = roots.at(-1)!.work.atMs * stretch;
  let next = 0;
  const timer = timeline.add({
    fire: () => {
      arrive(roots[next++]!);
      if (next === roots.length) timeline.clear(timer);
      else timeline.set(timer, roots[next]!.work.atMs * stretch);
    },
  });
  timeline.set(timer, roots[0]!.work.atMs * stretch);
  signals.start(lastArrivalMs + AFTERMATH_MS);
  planFaults(setting.faults, lastArrivalMs, {
    agenda,
    hosts,
    signals: signalFaults,
    restarted: (slot) => signals.cleared(slot),
    nowMs,
  });
  timeline.run(lastArrivalMs + AFTERMATH_MS);
  return { setting, calls, hosts, gateways, judgement, stopped, endMs: timeline.nowMs };
}
