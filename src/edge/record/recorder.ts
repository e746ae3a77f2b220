/**
 * Where finished exchanges go: into the metrics, and into the access log if there is one.
 */
import type { Logger } from "pino";
import type { InferenceMetrics } from "../../app/metrics/inference.ts";
import type { TrafficMetrics } from "../../app/metrics/traffic.ts";
import type { ExchangeRecord } from "../../app/record.ts";
import { REFUSALS, type Refusal } from "../../model/refusal.ts";
import { accessLine } from "./access-line.ts";
import type { LineWriter } from "./line-writer.ts";

export class Recorder {
  /** Exchanges that a defect has ended, for the metric. */
  defects = 0;
  readonly #metrics: TrafficMetrics;
  readonly #log: Logger;
  readonly #accessLog: LineWriter | undefined;
  readonly #inference: InferenceMetrics;

  constructor(
    metrics: TrafficMetrics,
    inference: InferenceMetrics,
    log: Logger,
    accessLog: LineWriter | undefined,
  ) {
    this.#metrics = metrics;
    this.#inference = inference;
    this.#log = log;
    this.#accessLog = accessLog;
  }

  record(exchange: ExchangeRecord): void {
    const series = exchange.rule?.series ?? this.#metrics.unrouted;
    // Endpoints may answer with statuses that no class is named for; they count as errors of theirs.
    series.byClass[Math.min(5, Math.floor(exchange.status / 100))]!.add();
    series.duration.observe(exchange.totalMs / 1000);
    series.bytesIn.add(exchange.bytesIn);
    series.bytesOut.add(exchange.bytesOut);
    const { api, pool, usage, firstTokenMs } = exchange;
    if (api !== undefined && pool !== undefined) this.#inference.prompt(pool, usage, firstTokenMs);
    if (exchange.refusal !== undefined) this.#metrics.refused(exchange.refusal);
    this.#accessLog?.write(accessLine(exchange, new Date()));
  }

  /** A request that never had a whole head has no method and no path; its line says what was wrong with it. */
  recordUnread(client: string, port: number, requestId: string, refusal: Refusal, detail: string): void {
    this.#metrics.refused(refusal);
    this.#metrics.unrouted.byClass[Math.floor(REFUSALS[refusal].status / 100)]?.add();
    this.#accessLog?.write(
      JSON.stringify({
        time: new Date().toISOString(),
        requestId,
        client,
        port,
        status: REFUSALS[refusal].status,
        refusal,
        endedBy: "gateway",
        why: detail === "" ? refusal : `${refusal}: ${detail}`,
        attempts: [],
      }),
    );
  }

  defect(error: unknown): void {
    this.defects++;
    this.#log.error({ err: error }, "defect: an exchange was ended");
  }
}
