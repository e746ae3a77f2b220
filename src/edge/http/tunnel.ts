/**
 * After a 101: bytes go both ways as they come, until both sides have ended theirs.
 *
 * Each direction ends by itself (half-close); backpressure pauses the side that sends faster than the other reads.
 */
import type { Wire } from "./wire/wire.ts";

/** The exchange that has become a tunnel. */
export interface TunnelOwner {
  onTunnelBytes(from: "client" | "endpoint", count: number): void;
  /** Both sides have said all they had to say. */
  onTunnelFinished(): void;
}

export class Tunnel {
  readonly #owner: TunnelOwner;
  readonly #client: Wire;
  readonly #endpoint: Wire;
  #clientEnded = false;
  #endpointEnded = false;

  constructor(owner: TunnelOwner, client: Wire, endpoint: Wire) {
    this.#owner = owner;
    this.#client = client;
    this.#endpoint = endpoint;
  }

  get finished(): boolean {
    return this.#clientEnded && this.#endpointEnded;
  }

  fromClient(buffer: Buffer, start: number, end: number): void {
    this.#owner.onTunnelBytes("client", end - start);
    if (!this.#endpoint.bytes("", buffer, start, end)) this.#client.pause();
  }

  fromEndpoint(buffer: Buffer, start: number, end: number): void {
    this.#owner.onTunnelBytes("endpoint", end - start);
    if (!this.#client.bytes("", buffer, start, end)) this.#endpoint.pause();
  }

  endFromClient(): void {
    this.#clientEnded = true;
    this.#endpoint.end();
    if (this.finished) this.#owner.onTunnelFinished();
  }

  endFromEndpoint(): void {
    this.#endpointEnded = true;
    this.#client.end();
    if (this.finished) this.#owner.onTunnelFinished();
  }
}
