/**
 * What checks stand on: the connection to the picker, the streams they opened, and what is known of the pool.
 *
 * A connection that was lost is opened again for the next stream, so that one fault does not fail every check behind it. Every stream of
 * a check is reset when the check is over.
 */
import { GrpcConnection } from "../../edge/extproc-client/grpc-connection.ts";
import { PickerStream, PROCESS_PATH, type TranscriptLine } from "../../edge/extproc-client/picker-stream.ts";
import { Fault } from "./fault.ts";
import { destinationOf } from "./destination.ts";
import { ask } from "./dialogue.ts";
import { requestHeaders } from "./requests.ts";
import type { VerifySettings } from "./settings.ts";

/** Enough that a pool of a few endpoints has shown all of them to whoever asks for no prompt in particular. */
const DISCOVERY_ASKS = 16;

export class Stand {
  readonly settings: VerifySettings;
  #connection: GrpcConnection | undefined;
  #streams: PickerStream[] = [];
  #endpoints: readonly string[] | undefined;

  constructor(settings: VerifySettings) {
    this.settings = settings;
  }

  async connection(): Promise<GrpcConnection> {
    const current = this.#connection;
    if (current !== undefined && current.lostBecause === undefined) return current;
    current?.close();
    this.#connection = await this.openConnection();
    return this.#connection;
  }

  /** One more, which is the caller's to close. */
  openConnection(): Promise<GrpcConnection> {
    const { target, tls, timeoutMs, callHeaders } = this.settings;
    const headers = Object.fromEntries(callHeaders);
    return GrpcConnection.open({ ...target, tls, headers }, timeoutMs).catch((error: unknown) => {
      throw new Fault((error as Error).message, 1);
    });
  }

  async stream(): Promise<PickerStream> {
    const stream = new PickerStream((await this.connection()).call(PROCESS_PATH));
    this.#streams.push(stream);
    return stream;
  }

  /** Endpoints of the pool: as told, or those that were named when asked a few times. */
  async endpoints(): Promise<readonly string[]> {
    if (this.settings.subset.length > 0) return this.settings.subset;
    if (this.#endpoints !== undefined) return this.#endpoints;
    const found = new Set<string>();
    // Held until all have been asked: a picker that goes by load then shows more of its pool than the one that is idlest.
    const held: PickerStream[] = [];
    for (let count = 0; count < DISCOVERY_ASKS; count += 1) {
      const stream = await this.stream();
      held.push(stream);
      const reply = await ask(stream, this.settings, {
        headers: requestHeaders(this.settings, { method: "GET" }),
        endOfStream: true,
      });
      if (reply.answer.kind === "headers") found.add(destinationOf(reply.answer.common.headers).first);
    }
    for (const stream of held) stream.reset();
    this.#endpoints = [...found];
    return this.#endpoints;
  }

  /** What was said since the last call, stream by stream; the streams are over with it. */
  clear(): readonly (readonly TranscriptLine[])[] {
    const streams = this.#streams;
    this.#streams = [];
    for (const stream of streams) stream.reset();
    return streams.map((stream) => stream.transcript);
  }

  close(): void {
    this.#connection?.close();
  }
}
