/**
 * The subscription to one engine's cache events: connects, follows the numbers, fills gaps by replay, and tells the listener.
 *
 * When what came before is unknown (first connection, lost connection, engine started anew) it is asked for from 0 on;
 * when batches are missing, from the first that lacks. Live batches wait meanwhile. What cannot be filled is told as a gap, for
 * a wrong picture of a cache is worse than none, and the stream goes on from there.
 *
 * A lost connection is taken for a lost engine: numbers begin at 0 in each life of it, so that what was known before can
 * not be told from what would be wrong. Engines without a replay socket are then learned anew from their next events.
 *
 * Bounds: batches that wait (bytes and count; beyond: a gap), one replay at a time and one a second per engine, and few
 * over all engines (`ReplayTurns`).
 */
import type { CacheListener } from "./cache-events.ts";
import type { EventBatchReader } from "./event-batch.ts";
import { Replay, sequenceOf } from "./replay.ts";
import type { ReplayTurns } from "./replay-turns.ts";
import { Sequence } from "./sequence.ts";
import { subscribeMessage } from "./zmtp-frames.ts";
import { ZmtpSocket } from "./zmtp-socket.ts";

const WAITING_BYTES_MAX = 8_388_608;
const WAITING_BATCHES_MAX = 4_096;
/** After a replay; a gap within it is told as one. Engines whose queue overflows would otherwise only replay. */
const REPLAY_REST_MS = 1_000;
const FIRST_RETRY_MS = 250;
const RETRY_MS_MAX = 10_000;

export interface EventSource {
  readonly endpointKey: string;
  readonly address: string;
  /** Of the PUB socket; engines count up from it by rank. */
  readonly port: number;
  /** Of the ROUTER socket; undefined: the engine has none, and gaps stay. */
  readonly replayPort: number | undefined;
  /** Prefix of the topics wanted; empty: all. */
  readonly topic: string;
}

export interface SubscriptionCounts {
  batches: number;
  /** Batches, or messages that are none, that could not be read to their end. */
  malformed: number;
  gaps: number;
  replays: number;
  failedReplays: number;
  restarts: number;
  connections: number;
}

export interface SubscriptionOptions {
  readonly listener: CacheListener;
  readonly reader: EventBatchReader;
  readonly turns: ReplayTurns;
  /** Milliseconds, monotonic. */
  readonly clock: () => number;
  /** In [0, 1). */
  readonly chance: () => number;
  readonly defect: (error: unknown) => void;
}

interface Waiting {
  readonly sequence: number;
  readonly payload: Buffer;
}

export class Subscription {
  readonly source: EventSource;
  readonly counts: SubscriptionCounts = {
    batches: 0,
    malformed: 0,
    gaps: 0,
    replays: 0,
    failedReplays: 0,
    restarts: 0,
    connections: 0,
  };
  /** Of the last connection that ended; undefined while connected. */
  fault: string | undefined = "not connected yet";
  readonly #options: SubscriptionOptions;
  #socket: ZmtpSocket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  readonly #sequence = new Sequence();
  /** A replay under way, or waiting for its turn. */
  #replay: { close(): void } | undefined;
  #replayedMs = Number.NEGATIVE_INFINITY;
  #isFirstReplay = false;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;

  constructor(source: EventSource, options: SubscriptionOptions) {
    this.source = source;
    this.#options = options;
    this.#connect();
  }

  get replaying(): boolean {
    return this.#replay !== undefined;
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#socket?.close();
    this.#socket = undefined;
    this.#stopReplay();
  }

  #connect(): void {
    this.#socket = new ZmtpSocket("SUB", this.source.address, this.source.port, {
      ready: () => this.#ready(),
      message: (frames) => this.#message(frames),
      gone: (fault) => this.#gone(fault),
      defect: (error) => this.#options.defect(error),
    });
  }

  #ready(): void {
    this.#socket!.sendRaw(subscribeMessage(this.source.topic));
    this.fault = undefined;
    // The first connection has nothing to forget.
    if (this.counts.connections++ > 0) this.#options.listener.gap(this.source.endpointKey);
    this.#sequence.reset();
    this.#replayedMs = Number.NEGATIVE_INFINITY;
    this.#startReplay(0);
    // Connecting has its own rest; and what was published while the subscription was on its way is missed soon after.
    this.#isFirstReplay = true;
  }

  #gone(fault: string): void {
    this.#socket = undefined;
    this.fault = fault;
    this.#stopReplay();
    const delayMs = Math.min(RETRY_MS_MAX, FIRST_RETRY_MS * 2 ** Math.min(this.#failures++, 16));
    this.#retry = setTimeout(() => this.#connect(), delayMs * (0.5 + this.#options.chance())).unref();
  }

  #message(frames: readonly Buffer[]): void {
    const [, number, payload] = frames;
    const sequence = frames.length === 3 ? sequenceOf(number!) : undefined;
    if (sequence === undefined) {
      this.counts.malformed++;
      return;
    }
    this.#failures = 0;
    if (!this.#sequence.rises(sequence)) {
      this.#beginAnew();
      this.#sequence.rises(sequence);
    }
    if (this.#replay === undefined && this.#sequence.lacks(sequence)) {
      this.#startReplay(this.#sequence.expected!);
    }
    if (this.#replay !== undefined) this.#wait(sequence, payload!);
    else this.#judge(sequence, payload!);
  }

  #judge(sequence: number, payload: Buffer): void {
    const place = this.#sequence.place(sequence);
    if (place === "gap") this.#leap(sequence, payload);
    else if (place === "next") this.#take(payload);
  }

  #beginAnew(): void {
    this.counts.restarts++;
    this.#stopReplay();
    this.#options.listener.cleared(this.source.endpointKey);
    this.#sequence.reset();
    this.#startReplay(0);
  }

  #take(payload: Buffer): void {
    this.counts.batches++;
    const { reader, listener } = this.#options;
    if (!reader.read(this.source.endpointKey, payload, listener)) this.counts.malformed++;
  }

  /** Batches are missing and will not come. */
  #leap(sequence: number, payload: Buffer): void {
    this.#tellGap();
    this.#sequence.resume();
    this.#sequence.place(sequence);
    this.#take(payload);
  }

  #tellGap(): void {
    this.counts.gaps++;
    this.#options.listener.gap(this.source.endpointKey);
  }

  #wait(sequence: number, payload: Buffer): void {
    if (
      this.#waiting.length === WAITING_BATCHES_MAX ||
      this.#waitingBytes + payload.length > WAITING_BYTES_MAX
    ) {
      // More is coming than the replay can catch up with.
      this.#stopReplay();
      this.counts.failedReplays++;
      this.#leap(sequence, payload);
      return;
    }
    this.#waiting.push({ sequence, payload: Buffer.from(payload) });
    this.#waitingBytes += payload.length;
  }

  #startReplay(from: number): void {
    const { replayPort, address } = this.source;
    const { turns, clock, defect } = this.#options;
    this.#isFirstReplay = false;
    if (replayPort === undefined || clock() - this.#replayedMs < REPLAY_REST_MS) return;
    let replay: Replay | undefined;
    const turn = turns.take(() => {
      this.counts.replays++;
      replay = new Replay(address, replayPort, from, {
        // The engine may no longer have what lacked: its memory of batches is bounded too.
        batch: (sequence, payload) => this.#judge(sequence, payload),
        replayed: (fault) => this.#endReplay(from, fault),
        defect,
      });
    });
    this.#replay = {
      close: () => {
        replay?.close();
        turn.end();
      },
    };
  }

  #endReplay(from: number, fault: string | undefined): void {
    if (fault === undefined) this.#sequence.expect(from);
    else this.counts.failedReplays++;
    const waiting = this.#waiting;
    this.#stopReplay();
    for (const { sequence, payload } of waiting) this.#judge(sequence, payload);
  }

  #stopReplay(): void {
    const replay = this.#replay;
    this.#replay = undefined;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (replay === undefined) return;
    this.#replayedMs = this.#isFirstReplay ? Number.NEGATIVE_INFINITY : this.#options.clock();
    replay.close();
  }
}
