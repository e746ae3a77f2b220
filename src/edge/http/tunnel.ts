/**
 * After a 101: bytes go both ways as they come, until both sides have ended theirs.
 *
 * Each direction ends by itself (half-close); backpressure pauses the side that sends faster than the other reads.
 */
import type { Wire } from "./wire/wire.ts";

export class Tunnel {
  readonly #client: Wire;
  readonly #endpoint: Wire;
  #clientEnded = false;
  #endpointEnded = false;

  constructor(client: Wire, endpoint: Wire) {
    this.#client = client;
    this.#endpoint = endpoint;
  }

  /** Both sides have said all they had to say. */
  get finished(): boolean {
    return this.#clientEnded && this.#endpointEnded;
  }

  fromClient(buffer: Buffer, start: number, end: number): void {
    if (!this.#endpoint.bytes("", buffer, start, end)) this.#client.pause();
  }

  fromEndpoint(buffer: Buffer, start: number, end: number): void {
    if (!this.#client.bytes("", buffer, start, end)) this.#endpoint.pause();
  }

  endFromClient(): void {
    this.#clientEnded = true;
    this.#endpoint.end();
  }

  endFromEndpoint(): void {
    this.#endpointEnded = true;
    this.#client.end();
  }
}
