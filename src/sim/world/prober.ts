/**
 * Active health checking in virtual time: the core's thresholds and rhythm, one state per gateway and endpoint.
 *
 * A probe is one event: what it finds is what the server's condition is when it begins; what it finds is known a
 * round trip later, or after the probe's timeout where nothing answers. Probes take no slot of the server.
 */
import { observe, UNPROVEN, type ActiveHealth } from "../../core/health/active.ts";
import { firstDelayMs, nextDelayMs } from "../../core/health/schedule.ts";
import type { HealthCheckPolicy } from "../../model/policy.ts";
import type { Prng } from "../../std/prng.ts";
import type { Agenda } from "./agenda.ts";
import type { Fleet, Placed } from "./fleet.ts";
import type { Gateway } from "./gateway.ts";

export interface ProberContext {
  readonly agenda: Agenda;
  readonly fleet: Fleet;
  readonly prng: Prng;
  /** From a verdict to the gateway that acts on it. */
  readonly viewDelayMs: number;
}

export class Prober {
  readonly #context: ProberContext;
  readonly #gateway: Gateway;
  readonly #policy: HealthCheckPolicy;

  constructor(gateway: Gateway, policy: HealthCheckPolicy, context: ProberContext) {
    this.#context = context;
    this.#gateway = gateway;
    this.#policy = policy;
    const { agenda, fleet, prng } = context;
    for (const endpoint of fleet.endpoints) {
      agenda.after(firstDelayMs(policy.intervalMs, prng), () => this.#probe(endpoint, UNPROVEN));
    }
  }

  #probe(endpoint: Placed, before: ActiveHealth): void {
    const { agenda, fleet, prng, viewDelayMs } = this.#context;
    const { condition, index } = endpoint.server;
    // Whoever is no member is not probed, and is a stranger when it returns.
    let health: ActiveHealth = UNPROVEN;
    if (fleet.isMember(index)) {
      const failed = condition.probeFailures > 0;
      const { state, transition } = observe(before, !failed, this.#policy);
      health = state;
      const silent = failed && !condition.refusing;
      agenda.after((silent ? this.#policy.timeoutMs : 0) + viewDelayMs, () => {
        if (transition !== undefined) this.#gateway.setHealthy(endpoint.key, transition === "up");
        if (!failed) this.#gateway.checkPassed(endpoint.key);
      });
    }
    agenda.after(nextDelayMs(this.#policy.intervalMs, prng), () => this.#probe(endpoint, health));
  }
}
