/**
 * The fleet: all servers of a scenario, the endpoints by which gateways know them, and who is a member when.
 *
 * A server is a member from `joins` to `leaves` of its group, save while a fault has it taken out. Each change of membership is
 * told to every gateway, after the delay of its view.
 */
import { endpointKey, type Endpoint } from "../../model/endpoint.ts";
import type { Scenario, Selection } from "../scenario/scenario.ts";
import type { Agenda } from "./agenda.ts";
import type { Engine } from "./engine.ts";
import { Server, type Answering } from "./server.ts";

/** An endpoint that knows what stands behind it. */
export interface Placed extends Endpoint {
  readonly server: Server;
}

export interface FleetContext {
  readonly engine: Engine;
  readonly agenda: Agenda;
  readonly out: Answering;
  /** By number. */
  readonly zones: readonly string[];
}

/** A cold start in so many steps is a line for all practical purposes. */
const WARM_STEPS = 20;

export class Fleet {
  readonly servers: readonly Server[];
  readonly endpoints: readonly Placed[];
  readonly #agenda: Agenda;
  readonly #engine: Engine;
  readonly #zones: readonly string[];
  /** By server: reasons not to be a member. */
  readonly #absences: Int32Array;
  #listener: () => void = () => {};

  constructor(scenario: Scenario, context: FleetContext) {
    const { engine, agenda, out, zones } = context;
    this.#agenda = agenda;
    this.#engine = engine;
    this.#zones = zones;
    const servers: Server[] = [];
    const reporting = scenario.gateways.reports !== undefined;
    for (const group of scenario.groups) {
      for (let i = 0; i < group.count; i++) {
        const zone = group.zones.length === 0 ? 0 : zones.indexOf(group.zones[i % group.zones.length]!);
        servers.push(new Server(servers.length, group, zone, { engine, out, reporting }));
      }
    }
    this.servers = servers;
    this.endpoints = servers.map((server) => placed(server, zones));
    this.#absences = new Int32Array(servers.length);
  }

  /** `changed`: the membership is another from now on. */
  start(changed: () => void): void {
    for (const { index, group } of this.servers) {
      if (group.joinsMs > 0) {
        this.absent(index, 1);
        this.#agenda.at(group.joinsMs, () => {
          this.absent(index, -1);
          this.warmUp(index);
        });
      }
      this.#agenda.at(group.leavesMs, () => this.absent(index, 1));
    }
    this.#listener = changed;
  }

  members(): readonly Placed[] {
    return this.endpoints.filter((_, index) => this.#absences[index] === 0);
  }

  isMember(index: number): boolean {
    return this.#absences[index] === 0;
  }

  absent(index: number, by: 1 | -1): void {
    const before = this.isMember(index);
    this.#absences[index] = this.#absences[index]! + by;
    if (before !== this.isMember(index)) this.#listener();
  }

  /** Cold from now on, warmer and warmer. */
  warmUp(index: number): void {
    const server = this.servers[index]!;
    const { coldStart } = server.group;
    if (coldStart === undefined) return;
    for (let step = 0; step <= WARM_STEPS; step++) {
      const part = step / WARM_STEPS;
      this.#agenda.at(this.#engine.nowMs + part * coldStart.overMs, () => {
        server.condition.warm(coldStart.from + (1 - coldStart.from) * part);
        server.conditionChanged();
      });
    }
  }

  select({ group, zone, count }: Selection): readonly Server[] {
    const matching = this.servers.filter(
      (server) =>
        (group === undefined || server.group.name === group) &&
        (zone === undefined || this.#zones[server.zone] === zone),
    );
    return matching.slice(0, count ?? matching.length);
  }
}

function placed(server: Server, zones: readonly string[]): Placed {
  const { index, group } = server;
  const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
  return {
    key: endpointKey(address, 80),
    address,
    port: 80,
    zone: group.zones.length === 0 ? undefined : zones[server.zone],
    displayName: `${group.name}-${index}`,
    condition: "ready",
    server,
  };
}
