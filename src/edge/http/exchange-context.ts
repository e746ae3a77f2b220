/**
 * What an exchange may use of what is around it: its client and the gateway.
 */
import type { TrafficMetrics } from "../../app/metrics/traffic.ts";
import type { View } from "../../app/view.ts";
import type { Refusal } from "../../model/refusal.ts";
import type { Prng } from "../../std/prng.ts";
import type { ExchangeRecord } from "../../app/record.ts";
import type { ClientLimits } from "./limits.ts";
import type { Sweeper } from "./sweeper.ts";
import type { Upstreams } from "./upstreams.ts";
import type { Wire } from "./wire/wire.ts";

/** The client's connection, as the exchange sees it. */
export interface ExchangeClient {
  readonly wire: Wire;
  readonly address: string;
  readonly port: number;
  /** No exchange will follow the present one on the connection. */
  readonly last: boolean;
  /** The exchange has become a tunnel: what the client sent ahead belongs to it. */
  onTunnelBegin(): void;
  /** The exchange is over. `keepAlive`: the connection may carry another. */
  onExchangeEnd(keepAlive: boolean): void;
}

export interface ExchangeContext {
  /** The newest view; read once per request. */
  readonly view: View;
  readonly limits: ClientLimits;
  readonly upstreams: Upstreams;
  readonly sweeper: Sweeper;
  readonly prng: Prng;
  readonly metrics: TrafficMetrics;
  /** Milliseconds since some fixed moment, never going back. */
  clock(): number;
  nextRequestId(): string;
  record(exchange: ExchangeRecord): void;
  recordUnread(client: string, port: number, requestId: string, refusal: Refusal, detail: string): void;
  /** A defect ended one exchange. */
  defect(error: unknown): void;
}
