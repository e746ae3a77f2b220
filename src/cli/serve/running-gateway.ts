/**
 * A gateway that runs from files: the place where configuration, brain, sockets, probes, logs and admin are joined.
 *
 * Life: start (the first configuration must be good), reload as often as files change (a bad one changes nothing and
 * is told), stop (drain, then close). One reload at a time; changes that come meanwhile lead to one more.
 */
import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import { pino, type Logger } from "pino";
import { ConfigState } from "../../app/config-state.ts";
import { HealthMetrics } from "../../app/metrics/health.ts";
import { InferenceMetrics } from "../../app/metrics/inference.ts";
import { PickerMetrics } from "../../app/metrics/picker.ts";
import { Registry } from "../../app/metrics/registry.ts";
import { TrafficMetrics } from "../../app/metrics/traffic.ts";
import type { LivePool } from "../../app/live-pool.ts";
import { reconcile } from "../../app/reconcile.ts";
import { PoolRound, TURN_MS } from "../../app/tend-pools.ts";
import { formatProblem } from "../../config/format-problem.ts";
import { AdminServer } from "../../edge/admin/admin-server.ts";
import { observeGateway } from "../../edge/admin/gateway-metrics.ts";
import { adminPages } from "../../edge/admin/pages.ts";
import { EngineFollower } from "../../edge/engines/engine-follower.ts";
import { observePicker, Picker, type PickerOptions } from "../../edge/extproc/picker.ts";
import { watchManifests } from "../../edge/files/watch.ts";
import { BindError, Gateway } from "../../edge/http/gateway.ts";
import type { ClientLimits } from "../../edge/http/limits.ts";
import { LoadProber } from "../../edge/probe/load-prober.ts";
import { Prober } from "../../edge/probe/prober.ts";
import { LineWriter } from "../../edge/record/line-writer.ts";
import { Recorder } from "../../edge/record/recorder.ts";
import type { GatewayConfig } from "../../model/config.ts";
import type { Problem } from "../../model/problem.ts";
import { createPrng } from "../../std/prng.ts";
import { HealthLog } from "./health-log.ts";
import { hasErrors, type LoadedConfig } from "../load-config.ts";
import { ConfigThread } from "./config-thread.ts";

export interface ServeOptions {
  /** Files and folders with manifests. */
  readonly paths: readonly string[];
  readonly admin: { readonly host: string; readonly port: number } | "off";
  /** Where access lines go. */
  readonly accessLog: "off" | "stdout" | { readonly path: string };
  readonly logLevel: string;
  readonly limits: ClientLimits;
  /** Makes every decision repeatable; random if undefined. */
  readonly seed: number | undefined;
  /** The zone this gateway stands in, as EndpointSlices name zones; left out: none is preferred. */
  readonly zone?: string | undefined;
  /** Undefined: no endpoint picker. */
  readonly picker?: PickerOptions | undefined;
}

/** A configuration that was rejected for a reason outside of it (a port in use, say) is tried again after this. */
const RETRY_MS = 10_000;

/** Any number: engines are looked at by another chance than that by which requests are sent. */
const ENGINES_SEED = 0x6e61_6d65;

/** The first configuration could not be taken: nothing runs. */
export class StartError extends Error {
  readonly problems: readonly Problem[];

  constructor(message: string, problems: readonly Problem[]) {
    super(message);
    this.problems = problems;
  }
}

export class RunningGateway {
  readonly gateway: Gateway;
  readonly config: ConfigState = new ConfigState();
  /** `host:port` of the admin server, once started; undefined if it is off. */
  adminAddress: string | undefined;
  /** Undefined: not asked for. */
  readonly picker: Picker | undefined;

  readonly #options: ServeOptions;
  readonly #events: LineWriter;
  readonly #log: Logger;
  readonly #accessLog: LineWriter | undefined;
  readonly #registry = new Registry();
  readonly #metrics: TrafficMetrics;
  readonly #healthMetrics: HealthMetrics;
  readonly #inferenceMetrics: InferenceMetrics;
  readonly #round: PoolRound<LivePool>;
  readonly #prober: Prober;
  readonly #loadProber: LoadProber;
  readonly #engines: EngineFollower;
  readonly #configThread: ConfigThread;
  /** What was on disk when it was last read. */
  #fingerprint = "";
  readonly #stopWatching = new AbortController();
  #admin: AdminServer | undefined;
  #reloading: Promise<boolean> | undefined;
  #reloadAgain = false;
  #served = false;
  #retry: NodeJS.Timeout | undefined;
  #turns: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ServeOptions) {
    this.#options = options;
    this.#configThread = new ConfigThread({
      paths: options.paths,
      options: { picksForOthers: options.picker !== undefined },
    });
    // Events go to standard error, access lines to standard output: two readers, two streams, and neither is waited for.
    this.#events = new LineWriter("stderr", () => {});
    this.#log = pino(
      {
        level: options.logLevel,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (level) => ({ level }) },
      },
      { write: (line: string) => this.#events.write(line.trimEnd()) },
    );
    this.#accessLog = openAccessLog(options.accessLog, (error) =>
      this.#log.error({ err: error }, "access log lines could not be written"),
    );
    this.#metrics = new TrafficMetrics(this.#registry);
    this.#healthMetrics = new HealthMetrics(this.#registry, () => this.gateway.view.pools.values());
    this.#inferenceMetrics = new InferenceMetrics(this.#registry);
    const recorder = new Recorder(this.#metrics, this.#inferenceMetrics, this.#log, this.#accessLog);
    const clock = (): number => performance.now();
    const seed = options.seed ?? randomBytes(4).readUInt32LE();
    const prng = createPrng(seed);
    this.gateway = new Gateway({
      limits: options.limits,
      prng,
      metrics: this.#metrics,
      recorder,
      clock,
      requestIdPrefix: randomBytes(6).toString("hex"),
    });
    const healthLog = new HealthLog(this.#log, this.#healthMetrics);
    const defect = (error: unknown): void => this.gateway.defect(error);
    this.#round = new PoolRound((pool, event) => healthLog.tell(pool.key, event), defect);
    this.#prober = new Prober({ prng, clock, log: this.#log, defect });
    const counted = this.#healthMetrics.loadProbed.bind(this.#healthMetrics);
    this.#loadProber = new LoadProber({ clock, log: this.#log, counted, defect });
    this.#engines = new EngineFollower({
      prng: createPrng(seed ^ ENGINES_SEED),
      clock,
      log: this.#log,
      metrics: this.#inferenceMetrics,
      defect,
    });
    const { gateway, config } = this;
    const engines = this.#engines;
    observeGateway(this.#registry, { gateway, config, recorder, accessLog: this.#accessLog, engines });
    this.picker = this.#pickerOf(options.picker);
    observePicker(this.#registry, () => this.picker);
  }

  #pickerOf(options: PickerOptions | undefined): Picker | undefined {
    const metrics = new PickerMetrics(this.#registry);
    if (options === undefined) return undefined;
    return new Picker(
      options,
      {
        gateway: this.gateway,
        isReady: () => this.config.accepted !== undefined && !this.gateway.draining,
        certificateRenewed: () => this.#log.info("the picker's certificate was renewed"),
        certificateUnusable: (error) =>
          this.#log.error({ err: error }, "the picker's new certificate cannot be used; the old one stays"),
      },
      metrics,
    );
  }

  /** Throws StartError, with nothing left running, if the configuration or a port cannot be had. */
  async start(): Promise<void> {
    const problems = await this.#load();
    if (this.config.accepted === undefined) {
      await this.stop();
      throw new StartError("the configuration cannot be taken", problems);
    }
    if (this.#options.admin !== "off") await this.#startAdmin(this.#options.admin);
    await this.#startPicker();
    for (const problem of problems) this.#log.warn(formatProblem(problem));
    const { signal } = this.#stopWatching;
    const since = this.#fingerprint;
    void watchManifests(this.#options.paths, { onChange: () => void this.reload(), signal, since });
    this.#turns = setInterval(() => this.#tendPools(), TURN_MS).unref();
    this.#served = true;
    const ports = this.gateway.listening;
    const pools = this.gateway.view.pools.size;
    this.#log.info({ ports, admin: this.adminAddress, picker: this.picker?.port, pools }, "serving");
  }

  #tendPools(): void {
    const { gateway } = this;
    this.#round.turn(gateway.view.pools.values(), gateway.clock());
  }

  async #startAdmin({ host, port }: { readonly host: string; readonly port: number }): Promise<void> {
    const { gateway, config } = this;
    const pages = adminPages({ gateway, config, registry: this.#registry, engines: this.#engines });
    this.#admin = new AdminServer(pages);
    try {
      this.adminAddress = await this.#admin.listen(host, port);
    } catch (error) {
      await this.stop();
      throw new StartError(`cannot listen on admin address ${host}:${port}: ${(error as Error).message}`, []);
    }
  }

  async #startPicker(): Promise<void> {
    try {
      await this.picker?.listen();
    } catch (error) {
      await this.stop();
      throw new StartError(`the endpoint picker cannot start: ${(error as Error).message}`, []);
    }
  }

  /** Reads the manifests anew. True if they are now in force. */
  reload(): Promise<boolean> {
    if (this.#stopWatching.signal.aborted) return Promise.resolve(false);
    if (this.#reloading !== undefined) {
      this.#reloadAgain = true;
      return this.#reloading;
    }
    this.#reloading = this.#reloadUntilSettled().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  async #reloadUntilSettled(): Promise<boolean> {
    for (;;) {
      this.#reloadAgain = false;
      const before = this.config.acceptedCount;
      const problems = await this.#load();
      for (const problem of problems)
        this.#log[problem.severity === "error" ? "error" : "warn"](formatProblem(problem));
      const accepted = this.config.acceptedCount > before;
      // The load was ended by `stop`, which has nothing to complain of.
      if (this.#stopWatching.signal.aborted) return accepted;
      if (accepted) this.#log.info({ epoch: this.gateway.view.epoch }, "configuration reloaded");
      else
        this.#log.error(
          { errors: problems.length },
          "configuration rejected; the previous one stays in force",
        );
      if (!this.#reloadAgain) return accepted;
    }
  }

  /** Reads, translates and, if there is no error, puts in force. Returns what there is to say about it. */
  async #load(): Promise<readonly Problem[]> {
    const now = (): string => new Date().toISOString();
    let loaded: LoadedConfig;
    try {
      loaded = await this.#configThread.load();
    } catch (error) {
      this.#reloadLater();
      const unread = [this.#problem("the manifests could not be read", (error as Error).message)];
      this.config.reject({ rejectedAt: now(), problems: unread });
      return unread;
    }
    const { config, status } = loaded;
    this.#fingerprint = loaded.fingerprint;
    // An empty mount, a truncated file: a mishap far more often than a wish to close every port.
    const isPicking = this.picker !== undefined && config.pools.length > 0;
    const isIdle = config.listeners.length === 0 && !isPicking;
    const problems = isIdle
      ? [...loaded.problems, this.#problem("no listener is left to serve", `${loaded.files} files`)]
      : loaded.problems;
    if (hasErrors(problems)) {
      this.config.reject({ rejectedAt: now(), problems });
      return problems;
    }
    try {
      await this.#apply(config);
    } catch (error) {
      const isBind = error instanceof BindError;
      if (!isBind) this.gateway.defect(error);
      // Not the manifests' fault, so nobody may touch them: try again by itself.
      this.#reloadLater();
      const found = isBind ? `port ${error.port}` : "a defect";
      const unbound = [...problems, this.#problem((error as Error).message, found)];
      this.config.reject({ rejectedAt: now(), problems: unbound });
      return unbound;
    }
    this.config.accept({ epoch: this.gateway.view.epoch, acceptedAt: now(), config, status, problems });
    return problems;
  }

  #reloadLater(): void {
    if (this.config.accepted === undefined || this.#stopWatching.signal.aborted) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.reload(), RETRY_MS).unref();
  }

  /** A problem that has no line of its own: its cause may stand in any of the files, or in none. */
  #problem(message: string, found: string): Problem {
    const file = this.#options.paths.join(", ");
    return {
      severity: "error",
      file,
      line: 1,
      column: 1,
      object: "",
      path: "",
      message,
      expected: "",
      found,
    };
  }

  async #apply(config: GatewayConfig): Promise<void> {
    const { gateway } = this;
    const ports = config.listeners.map((listener) => listener.port);
    await gateway.apply([...new Set(ports)], () =>
      reconcile(gateway.view, config, {
        prng: gateway.prng,
        metrics: this.#metrics,
        nowMs: gateway.clock(),
        localZone: this.#options.zone,
      }),
    );
    this.#healthMetrics.retainPools(gateway.view.pools.keys());
    this.#inferenceMetrics.retainPools(gateway.view.pools.keys());
    this.#prober.follow(gateway.view);
    this.#loadProber.follow(gateway.view);
    this.#engines.follow(gateway.view);
  }

  /** Stops accepting, lets exchanges end within the drain limit, then ends the rest. Harmless a second time. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#stopWatching.abort();
    clearTimeout(this.#retry);
    // Not ready from here on, so that whoever balances between gateways can look elsewhere.
    this.gateway.draining = true;
    // Ends a load that is under way; a reload must not open a port again.
    await this.#configThread.close();
    await this.#reloading;
    this.#prober.close();
    this.#loadProber.close();
    this.#engines.close();
    // Exchanges that are left are still judged: the round goes on until the last has ended.
    this.picker?.drain();
    const busy = this.gateway.connectionCount + (this.picker?.streamCount ?? 0);
    if (busy > 0) this.#log.info({ connections: busy, drainMs: this.#options.limits.drainMs }, "draining");
    const cut = await this.gateway.drain(this.picker);
    if (cut > 0) this.#log.warn({ connections: cut }, "drain limit reached; connections were cut");
    clearInterval(this.#turns);
    this.#admin?.close();
    await this.#accessLog?.close();
    if (this.#served) this.#log.info("stopped");
    await this.#events.close();
  }
}

/** Throws StartError if it cannot be written. */
function openAccessLog(
  accessLog: ServeOptions["accessLog"],
  onError: (error: Error) => void,
): LineWriter | undefined {
  if (accessLog === "off") return undefined;
  try {
    return new LineWriter(accessLog, onError);
  } catch (error) {
    throw new StartError(`cannot write the access log: ${(error as Error).message}`, []);
  }
}
