/**
 * How load reports reach gateways: with answers, or as answers to the probes that a gateway's policy asks for.
 *
 * A report says what was true when the endpoint made it. It may come later than its answer (`delay`), or never (`dropRatio`):
 * what goes through a collector, or a header that somebody strips. Whoever is down, hangs or is cut off reports nothing.
 */
import type { LoadReport } from "../../model/load-report.ts";
import type { Prng } from "../../std/prng.ts";
import type { ReportSpec } from "../scenario/scenario.ts";
import type { Agenda } from "./agenda.ts";
import type { Job } from "./call.ts";
import type { Fleet, Placed } from "./fleet.ts";
import type { Gateway } from "./gateway.ts";
import type { Network } from "./network.ts";

/** How often gateways look whom to probe. */
export const PROBE_LOOK_MS = 10;

export interface ReportsContext {
  readonly agenda: Agenda;
  readonly fleet: Fleet;
  readonly network: Network;
  readonly prng: Prng;
}

export class Reports {
  readonly #spec: ReportSpec;
  readonly #context: ReportsContext;

  constructor(spec: ReportSpec, context: ReportsContext) {
    this.#spec = spec;
    this.#context = context;
  }

  /** An answer has come in time, its claim still open. */
  answered(gateway: Gateway, job: Job): void {
    const { report, server, call } = job;
    if (report === undefined || !this.#spec.onAnswers || this.#dropped()) return;
    if (this.#spec.delayMs === 0) gateway.hear(call.ticket!, report);
    else this.#later(gateway, this.#context.fleet.endpoints[server.index]!, report, 0);
  }

  /** Asks those whom the gateway's policy wants to know about. */
  probe(gateway: Gateway): void {
    for (const endpoint of gateway.probesWanted()) {
      const { server } = endpoint as Placed;
      const oneWayMs = this.#context.network.delayMs(gateway.zone, server.zone);
      this.#context.agenda.after(oneWayMs, () => {
        const report = server.report();
        if (report !== undefined && !this.#dropped())
          this.#later(gateway, endpoint as Placed, report, oneWayMs);
      });
    }
  }

  #later(gateway: Gateway, endpoint: Placed, report: LoadReport, oneWayMs: number): void {
    this.#context.agenda.after(oneWayMs + this.#spec.delayMs, () => gateway.hear(endpoint.key, report));
  }

  #dropped(): boolean {
    return this.#spec.dropRatio > 0 && this.#context.prng.float() < this.#spec.dropRatio;
  }
}
