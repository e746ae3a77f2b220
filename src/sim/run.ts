/**
 * One run: a scenario, one policy, virtual time from the first arrival to the last answer.
 *
 * Puts the world together and lets it happen. The result depends on the scenario and the policy alone: no clock is read,
 * and every random number comes from the scenario's seed.
 */
import { LivePool } from "../app/live-pool.ts";
import type { PoolSpec } from "../model/pool.ts";
import { arrivalTimes } from "./chance/arrivals.ts";
import { keySampler } from "./chance/keys.ts";
import { brainStream, stream } from "./chance/streams.ts";
import { workSampler, type Sampler } from "./chance/work.ts";
import { Recorder, SAMPLE_MS, SECOND_MS } from "./measure/recorder.ts";
import type { Contender, Scenario } from "./scenario/scenario.ts";
import { Agenda } from "./world/agenda.ts";
import { Jobs } from "./world/call.ts";
import { Clients } from "./world/clients.ts";
import { DOOR_TICK_MS } from "./world/door.ts";
import { Engine } from "./world/engine.ts";
import { Faults, type Episode } from "./world/faults.ts";
import { Fleet } from "./world/fleet.ts";
import { Gateway, type GatewayContext } from "./world/gateway.ts";
import { Network } from "./world/network.ts";
import { Prober } from "./world/prober.ts";
import { PROBE_LOOK_MS, Reports } from "./world/reports.ts";

export interface Run {
  readonly scenario: Scenario;
  readonly contender: Contender;
  readonly fleet: Fleet;
  readonly episodes: readonly Episode[];
  readonly recorder: Recorder;
}

/** So long after the last arrival a call that is still open is given up: nothing would ever end it. */
const AFTERMATH_MS = 600_000;

/** The zone of those that stand in none. */
const NOWHERE = "";

export function run(scenario: Scenario, contender: Contender): Run {
  const { seed, durationMs, warmUpMs } = scenario;
  const engine = new Engine();
  const agenda = new Agenda(engine);
  const jobs = new Jobs();
  const zones = zonesOf(scenario);
  const network = new Network(engine, scenario.network, zones, (job) =>
    gateways[job.call.gateway]!.receive(job),
  );
  const fleet = new Fleet(scenario, {
    engine,
    agenda,
    zones,
    out: {
      answer: (job) => network.answer(job),
      answerLater: (job, afterMs) => agenda.after(afterMs, () => network.answer(job)),
      drop: (job) => jobs.giveBack(job),
    },
  });
  const { episodes } = new Faults(scenario, { agenda, fleet, prng: stream(seed, "faults") });
  const recorder = new Recorder(scenario, fleet, episodes);
  const clients = new Clients({
    engine,
    agenda,
    spec: scenario.clients,
    arrivals: arrivalTimes(scenario.arrivals, stream(seed, "arrivals"), stream(seed, "bursts")),
    work: workOf(scenario),
    key: keySampler(scenario.keys, stream(seed, "keys")),
    prng: stream(seed, "gateway"),
    backoffPrng: stream(seed, "backoff"),
    untilMs: durationMs,
    warmUpMs,
    started: (call) => recorder.started(call),
    finished: (call, ending) => recorder.finished(call, ending, engine.nowMs),
  });
  const reporting = scenario.gateways.reports;
  const reports =
    reporting === undefined
      ? undefined
      : new Reports(reporting, { agenda, fleet, network, prng: stream(seed, "reports") });
  const context: GatewayContext = {
    engine,
    network,
    jobs,
    method: scenario.clients.method,
    sent: (call, server) => recorder.sent(call, server, engine.nowMs),
    ended: (call, ending) => clients.ended(call, ending),
    report: (gateway, job) => reports?.answered(gateway, job),
  };
  fleet.start(() => tellAll(specOf(contender, fleet)));
  const gateways = Array.from({ length: scenario.gateways.count }, (_, index) => {
    const localZone = scenario.gateways.zones[index % Math.max(1, scenario.gateways.zones.length)];
    const options = { prng: brainStream(seed, index), localZone };
    const pool = new LivePool(specOf(contender, fleet), [], options, 0);
    const zone = localZone ?? NOWHERE;
    return new Gateway(pool, zones.indexOf(zone), context);
  });
  function tellAll(spec: PoolSpec): void {
    for (const gateway of gateways) agenda.after(scenario.gateways.viewDelayMs, () => gateway.adopt(spec));
  }
  const { healthCheck } = contender.policy;
  if (healthCheck !== undefined) {
    const probing = {
      agenda,
      fleet,
      prng: stream(seed, "probes"),
      viewDelayMs: scenario.gateways.viewDelayMs,
    };
    for (const gateway of gateways) void new Prober(gateway, healthCheck, probing);
  }
  agenda.every(warmUpMs, SAMPLE_MS, durationMs, () => recorder.sample(engine.nowMs));
  agenda.every(SECOND_MS, SECOND_MS, durationMs + SECOND_MS / 2, () => recorder.second());
  agenda.every(SECOND_MS, SECOND_MS, durationMs, () => gateways.forEach((gateway) => gateway.tick()));
  for (const gateway of gateways) {
    if (reporting?.onProbes === true)
      agenda.every(PROBE_LOOK_MS, PROBE_LOOK_MS, durationMs, () => reports?.probe(gateway));
    if (gateway.hasDoor)
      agenda.every(DOOR_TICK_MS, DOOR_TICK_MS, durationMs + AFTERMATH_MS, () => gateway.tickDoor());
  }
  agenda.at(warmUpMs, () => recorder.busyFrom());
  agenda.at(durationMs, () => recorder.busyUntil());
  clients.start(gateways);
  engine.run(durationMs + AFTERMATH_MS);
  recorder.endings.unfinished += clients.open;
  return { scenario, contender, fleet, episodes, recorder };
}

function specOf(contender: Contender, fleet: Fleet): PoolSpec {
  return { key: "simulated/pool:80", endpoints: fleet.members(), policy: contender.policy };
}

function zonesOf({ gateways, groups }: Scenario): readonly string[] {
  return [...new Set([NOWHERE, ...gateways.zones, ...groups.flatMap((group) => group.zones)])];
}

function workOf({ arrivals, work, seed }: Scenario): Sampler {
  if (arrivals.kind !== "recorded" || arrivals.worksMs === undefined)
    return workSampler(work, stream(seed, "work"));
  const { worksMs } = arrivals;
  let index = 0;
  return () => worksMs[index++]!;
}
