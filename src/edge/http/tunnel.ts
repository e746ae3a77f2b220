/**
 * After a 101: bytes go both ways as they come, until both sides have ended theirs.
 *
 * Each direction ends by itself (half-close); backpressure pauses the side that sends faster than the other reads.
 */
import type { BytePath } from "./byte-path.ts";

/** The exchange that has become a tunnel. */
export interface TunnelOwner {
  /** Both sides have said all they had to say. */
  onTunnelFinished(): void;
}

export class Tunnel {
  readonly #owner: TunnelOwner;
  readonly #path: BytePath;
  #clientEnded = false;
  #endpointEnded = false;

  constructor(owner: TunnelOwner, path: BytePath) {
    this.#owner = owner;
    this.#path = path;
  }

  get finished(): boolean {
    return this.#clientEnded && this.#endpointEnded;
  }

  fromClient(buffer: Buffer, start: number, end: number): void {
    const { client, endpoint, notes, sweeper } = this.#path;
    notes.moved("bytesIn", end - start, sweeper.nowMs);
    if (!endpoint.bytes("", buffer, start, end)) client.pause();
  }

  fromEndpoint(buffer: Buffer, start: number, end: number): void {
    const { client, endpoint, notes, sweeper } = this.#path;
    notes.moved("bytesOut", end - start, sweeper.nowMs);
    if (!client.bytes("", buffer, start, end)) endpoint.pause();
  }

  endFromClient(): void {
    this.#clientEnded = true;
    this.#path.endpoint.end();
    if (this.finished) this.#owner.onTunnelFinished();
  }

  endFromEndpoint(): void {
    this.#endpointEnded = true;
    this.#path.client.end();
    if (this.finished) this.#owner.onTunnelFinished();
  }
}
