/**
 * The endpoint picker: the servers that gateways ask, and what one stream may use of what is around it.
 *
 * One process serves many pools: each request names its own, or is led to it by the routes in force. Life: `listen`, then
 * `drain` (no new connections, not ready, streams may end) and `close`.
 */
import type { PickerMetrics } from "../../app/metrics/picker.ts";
import type { Registry } from "../../app/metrics/registry.ts";
import type { ExchangeRecord } from "../../app/record.ts";
import type { View } from "../../app/view.ts";
import type { Prng } from "../../std/prng.ts";
import type { Sweeper } from "../http/sweeper.ts";
import { followCertificate, readCertificate, type CertificatePaths } from "./certificate-files.ts";
import { HealthService } from "./health-service.ts";
import { CONNECTIONS_MAX, HELD_BYTES_MAX, MESSAGE_BYTES_MAX, STREAMS_MAX } from "./limits.ts";
import { PickerStream, type StreamContext } from "./picker-stream.ts";
import { ByteBudget } from "./rpc/byte-budget.ts";
import { RpcServer, type TlsMaterial } from "./rpc/http2-server.ts";
import type { RpcMethods } from "./rpc/rpc.ts";
import { selfSigned } from "./self-signed.ts";
import { PROCESS_PATH } from "./wire/fields.ts";

export interface ListenAddress {
  /** Undefined: every address of the machine. */
  readonly host: string | undefined;
  /** 0: any that is free. */
  readonly port: number;
}

export interface PickerOptions {
  readonly address: ListenAddress;
  /** In the clear, where kubelets ask; undefined: only on the picker's own port. */
  readonly healthAddress: ListenAddress | undefined;
  readonly tls: CertificatePaths | "self-signed" | undefined;
  /** How many endpoints are named beside the one that is picked; some gateways understand one only. */
  readonly fallbacksMax: number;
}

/** The gateway of the same process, whose view, clock and records are the picker's too. */
export interface PickerGateway {
  readonly view: View;
  readonly sweeper: Sweeper;
  readonly prng: Prng;
  clock(): number;
  nextRequestId(): string;
  record(exchange: ExchangeRecord): void;
  defect(error: unknown): void;
}

export interface PickerSurroundings {
  readonly gateway: PickerGateway;
  /** A configuration is in force, and nothing drains. */
  isReady(): boolean;
  certificateRenewed(): void;
  certificateUnusable(error: Error): void;
}

export class Picker implements StreamContext {
  readonly budget: ByteBudget = new ByteBudget(HELD_BYTES_MAX);
  readonly metrics: PickerMetrics;
  readonly health: HealthService;
  /** Where it listens, once it does. */
  port = 0;
  healthPort: number | undefined;
  readonly #options: PickerOptions;
  readonly #around: PickerSurroundings;
  #server: RpcServer | undefined;
  #healthServer: RpcServer | undefined;
  #stopFollowing: () => void = () => {};

  constructor(options: PickerOptions, around: PickerSurroundings, metrics: PickerMetrics) {
    this.#options = options;
    this.#around = around;
    this.metrics = metrics;
    this.health = new HealthService(() => around.isReady());
  }

  get view(): View {
    return this.#around.gateway.view;
  }

  get sweeper(): Sweeper {
    return this.#around.gateway.sweeper;
  }

  get prng(): Prng {
    return this.#around.gateway.prng;
  }

  get fallbacksMax(): number {
    return this.#options.fallbacksMax;
  }

  readonly clock = (): number => this.#around.gateway.clock();

  get streamCount(): number {
    return this.#server?.callCount ?? 0;
  }

  get connectionCount(): number {
    return this.#server?.connectionCount ?? 0;
  }

  /** Throws, with nothing left running, if a port or the certificate cannot be had. */
  async listen(): Promise<void> {
    const { address, healthAddress, tls } = this.#options;
    const material =
      tls === undefined ? undefined : tls === "self-signed" ? selfSigned(new Date()) : readCertificate(tls);
    const { methods } = this.health;
    const all: RpcMethods = new Map([...methods, [PROCESS_PATH, (call) => new PickerStream(this, call)]]);
    this.#server = this.#serverOf(all, material);
    this.port = await this.#server.listen(address.host, address.port);
    if (healthAddress !== undefined) {
      this.#healthServer = this.#serverOf(methods, undefined);
      try {
        this.healthPort = await this.#healthServer.listen(healthAddress.host, healthAddress.port);
      } catch (error) {
        this.close();
        throw error;
      }
    }
    if (tls === undefined || tls === "self-signed") return;
    this.#stopFollowing = followCertificate(tls, {
      renewed: (renewed) => {
        this.#server?.renew(renewed);
        this.#around.certificateRenewed();
      },
      unusable: (error) => this.#around.certificateUnusable(error),
    });
  }

  #serverOf(methods: RpcMethods, tls: TlsMaterial | undefined): RpcServer {
    return new RpcServer({
      methods,
      sweeper: this.sweeper,
      budget: this.budget,
      messageBytesMax: MESSAGE_BYTES_MAX,
      callsMax: STREAMS_MAX,
      connectionsMax: CONNECTIONS_MAX,
      tls,
      clock: this.clock,
      onFault: (fault) => this.metrics.fault(fault),
      onDefect: (error) => this.defect(error),
    });
  }

  /** Not ready from here on; streams that are there may end. */
  drain(): void {
    this.health.changed();
    this.#server?.drain();
  }

  close(): void {
    this.#stopFollowing();
    this.#server?.close();
    this.#healthServer?.close();
  }

  nextRequestId(): string {
    return this.#around.gateway.nextRequestId();
  }

  record(exchange: ExchangeRecord): void {
    this.#around.gateway.record(exchange);
  }

  defect(error: unknown): void {
    this.#around.gateway.defect(error);
  }
}

/** Metrics that are read when they are asked for. `picker` undefined: it is off, and they are nought. */
export function observePicker(registry: Registry, picker: () => Picker | undefined): void {
  const single = (name: string, help: string, read: (picker: Picker) => number): void =>
    registry.observed({ name, type: "gauge", labels: [], help }, function* () {
      const present = picker();
      if (present !== undefined) yield { labels: {}, value: read(present) };
    });
  single("plimsoll_picker_streams", "Streams now open.", (present) => present.streamCount);
  single(
    "plimsoll_picker_connections",
    "Connections of gateways now open.",
    (present) => present.connectionCount,
  );
  single(
    "plimsoll_picker_held_bytes",
    "Bytes of requests that are held until they are decided or sent on.",
    (present) => present.budget.used,
  );
}
