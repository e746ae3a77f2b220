/**
 * An engine's cache events on real sockets: a ZeroMQ publisher and, beside it, a replay socket, as vLLM has them.
 *
 * PUB: `[topic, number, payload]` to every subscriber whose prefix fits. ROUTER: asked `["", first number]`, it answers with all
 * batches kept from there on, then one of number -1. Numbers are 8 bytes, big endian, from 0 in each life.
 *
 * Written against the specification (ZMTP 3.1, mechanism NULL) and not with the subscriber's code, so that the two can prove each
 * other; `test/e2e` does the same with libzmq. Peers that speak something else are cut off. Bounded: batches kept; bytes that a
 * subscriber has not taken (beyond: it misses batches, as with ZeroMQ's high-water mark); bytes of a peer's message.
 */
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";

export interface PublisherOptions {
  readonly topic?: string;
  /** Batches kept for replay; 0: there is no replay socket. */
  readonly keeps?: number;
  /** As vLLM of late: the topic goes before the number in replays too. */
  readonly replaysTopic?: boolean;
  /** The number of the first batch. */
  readonly first?: number;
  /** Waits so long before it answers a replay; below 0: it never does. */
  readonly replayDelayMs?: number;
  /** To listen on again after a restart. */
  readonly ports?: { readonly publish: number; readonly replay: number };
  readonly host?: string;
}

const KEPT_BATCHES = 100;
const GREETING_BYTES = 64;
const UNSENT_BYTES_MAX = 16_777_216;
/** Subscriptions and replay requests are some tens of bytes. */
const PEER_BYTES_MAX = 65_536;

type SocketType = "PUB" | "ROUTER";

interface Peer {
  readonly socket: net.Socket;
  bytes: Buffer;
  greeted: boolean;
  isReady: boolean;
  prefixes: string[];
  frames: Buffer[];
}

export class EventPublisher {
  readonly #options: PublisherOptions;
  readonly #servers: net.Server[] = [];
  readonly #subscribers = new Set<Peer>();
  readonly #sockets = new Set<net.Socket>();
  readonly #kept = new Map<number, Buffer>();
  #sequence: number;
  #subscribed: (() => void)[] = [];
  #commanded: ((body: Buffer) => void)[] = [];
  /** First numbers that were asked for, of late. */
  readonly replaysFrom: number[] = [];

  private constructor(options: PublisherOptions) {
    this.#options = options;
    this.#sequence = options.first ?? 0;
  }

  static async start(options: PublisherOptions = {}): Promise<EventPublisher> {
    const publisher = new EventPublisher(options);
    try {
      await publisher.#listen("PUB", options.ports?.publish ?? 0);
      if ((options.keeps ?? KEPT_BATCHES) > 0) await publisher.#listen("ROUTER", options.ports?.replay ?? 0);
    } catch (error) {
      await publisher.close();
      throw error;
    }
    return publisher;
  }

  get port(): number {
    return (this.#servers[0]!.address() as AddressInfo).port;
  }

  get replayPort(): number | undefined {
    return (this.#servers[1]?.address() as AddressInfo | undefined)?.port;
  }

  /** Until somebody has subscribed, from now on. */
  subscribed(): Promise<void> {
    return new Promise((resolve) => this.#subscribed.push(resolve));
  }

  /** What follows in a peer's next command: its name, after the name's length, and its body. */
  command(): Promise<Buffer> {
    return new Promise((resolve) => this.#commanded.push(resolve));
  }

  /** `lost`: kept for replay and sent to nobody. */
  publish(payload: Buffer, lost = false): void {
    const sequence = this.#sequence++;
    const keeps = this.#options.keeps ?? KEPT_BATCHES;
    this.#kept.set(sequence, payload);
    if (this.#kept.size > keeps) this.#kept.delete(this.#kept.keys().next().value!);
    if (!lost) this.send([Buffer.from(this.#options.topic ?? ""), eight(sequence), payload]);
  }

  /** The number after the last, without a batch. */
  skip(count: number): void {
    this.#sequence += count;
  }

  send(frames: readonly Buffer[]): void {
    if (this.#subscribers.size === 0) return;
    const bytes = message(frames);
    const topic = frames[0]!.toString();
    for (const { socket, prefixes } of this.#subscribers) {
      if (socket.writableLength > UNSENT_BYTES_MAX) continue;
      if (prefixes.some((prefix) => topic.startsWith(prefix))) socket.write(bytes);
    }
  }

  sendRaw(bytes: Buffer): void {
    for (const { socket } of this.#subscribers) socket.write(bytes);
  }

  /** As a network does that fails: connections end, the publisher lives. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  async #listen(type: SocketType, port: number): Promise<void> {
    const host = this.#options.host ?? "127.0.0.1";
    const server = net.createServer((socket) => this.#accept(socket, type)).listen(port, host);
    this.#servers.push(server);
    await once(server, "listening");
  }

  #accept(socket: net.Socket, type: SocketType): void {
    const peer: Peer = {
      socket,
      bytes: Buffer.alloc(0),
      greeted: false,
      isReady: false,
      prefixes: [],
      frames: [],
    };
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#subscribers.delete(peer);
    });
    socket.on("data", (chunk) => {
      peer.bytes = peer.bytes.length === 0 ? chunk : Buffer.concat([peer.bytes, chunk]);
      if (!this.#read(peer, type) || peer.bytes.length > PEER_BYTES_MAX) socket.destroy();
    });
    const greeting = Buffer.alloc(GREETING_BYTES);
    Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1]).copy(greeting);
    greeting.write("NULL", 12);
    // In two pieces, as real peers send it.
    socket.write(greeting.subarray(0, 11));
    socket.write(greeting.subarray(11));
  }

  /** False: that is no ZeroMQ. */
  #read(peer: Peer, type: SocketType): boolean {
    if (!peer.greeted) {
      if (peer.bytes.length < GREETING_BYTES) return true;
      if (!isGreeting(peer.bytes)) return false;
      peer.greeted = true;
      peer.bytes = peer.bytes.subarray(GREETING_BYTES);
      peer.socket.write(ready(type));
    }
    while (peer.bytes.length >= 2) {
      const flags = peer.bytes[0]!;
      const isLong = (flags & 2) !== 0;
      if (isLong && peer.bytes.length < 9) return true;
      const size = isLong ? Number(peer.bytes.readBigUInt64BE(1)) : peer.bytes[1]!;
      const start = isLong ? 9 : 2;
      if (peer.bytes.length < start + size) return true;
      const body = peer.bytes.subarray(start, start + size);
      peer.bytes = peer.bytes.subarray(start + size);
      if ((flags & 4) !== 0) this.#command(peer, body);
      else {
        peer.frames.push(body);
        if ((flags & 1) === 0 && !this.#take(peer, type)) return false;
      }
    }
    return true;
  }

  /** READY; and, of peers that speak 3.1, subscriptions. */
  #command(peer: Peer, body: Buffer): void {
    if (peer.isReady) for (const resolve of this.#commanded.splice(0)) resolve(body);
    const name = body.toString("latin1", 1, 1 + (body[0] ?? 0));
    const rest = body.subarray(1 + name.length);
    if (name === "READY") peer.isReady = true;
    else if (name === "SUBSCRIBE") this.#subscribe(peer, rest.toString("utf8"), true);
    else if (name === "CANCEL") this.#subscribe(peer, rest.toString("utf8"), false);
  }

  #subscribe(peer: Peer, prefix: string, isWanted: boolean): void {
    if (isWanted) peer.prefixes.push(prefix);
    else peer.prefixes = peer.prefixes.filter((other) => other !== prefix);
    this.#subscribers.add(peer);
    if (isWanted) for (const resolve of this.#subscribed.splice(0)) resolve();
  }

  #take(peer: Peer, type: SocketType): boolean {
    const frames = peer.frames;
    peer.frames = [];
    if (!peer.isReady) return false;
    if (type === "PUB") {
      const kind = frames[0]?.[0];
      if (kind === 0 || kind === 1) this.#subscribe(peer, frames[0]!.toString("utf8", 1), kind === 1);
      return true;
    }
    if (frames.length !== 2 || frames[0]!.length !== 0 || frames[1]!.length !== 8) return false;
    const from = Number(frames[1]!.readBigUInt64BE());
    this.replaysFrom.push(from);
    if (this.replaysFrom.length > KEPT_BATCHES) this.replaysFrom.shift();
    const delayMs = this.#options.replayDelayMs ?? 0;
    if (delayMs >= 0) setTimeout(() => this.#replay(peer.socket, from), delayMs);
    return true;
  }

  #replay(socket: net.Socket, from: number): void {
    const topic = this.#options.replaysTopic === true ? [Buffer.from(this.#options.topic ?? "")] : [];
    socket.cork();
    for (const [sequence, payload] of this.#kept) {
      if (sequence >= from) socket.write(message([Buffer.alloc(0), ...topic, eight(sequence), payload]));
    }
    socket.write(message([Buffer.alloc(0), ...topic, Buffer.alloc(8, 0xff), Buffer.alloc(0)]));
    socket.uncork();
  }
}

function isGreeting(bytes: Buffer): boolean {
  return bytes[0] === 0xff && bytes[10] === 3 && bytes.toString("latin1", 12, 16) === "NULL";
}

function ready(type: SocketType): Buffer {
  const body = Buffer.concat([
    Buffer.from("\x05READY\x0bSocket-Type", "latin1"),
    Buffer.from([0, 0, 0, type.length]),
    Buffer.from(type),
    Buffer.from("\x08Identity\0\0\0\0", "latin1"),
  ]);
  return Buffer.concat([Buffer.from([4, body.length]), body]);
}

function eight(sequence: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(sequence));
  return bytes;
}

function message(frames: readonly Buffer[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame, i) => {
      const more = i < frames.length - 1 ? 1 : 0;
      if (frame.length < 256) return [Buffer.from([more, frame.length]), frame];
      const head = Buffer.alloc(9);
      head[0] = more | 2;
      head.writeBigUInt64BE(BigInt(frame.length), 1);
      return [head, frame];
    }),
  );
}
