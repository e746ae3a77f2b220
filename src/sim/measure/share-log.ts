/**
 * Attempts per server in bins of a tenth of a second: from it come shares over any span, and with them imbalance,
 * oscillation and how soon a sick server is shunned and taken back.
 */
export const BIN_MS = 100;

export class ShareLog {
  readonly servers: number;
  readonly bins: number;
  /** Bin by bin, each with one count per server. */
  readonly #counts: Uint32Array;

  constructor(servers: number, durationMs: number) {
    this.servers = servers;
    this.bins = Math.ceil(durationMs / BIN_MS);
    this.#counts = new Uint32Array(servers * this.bins);
  }

  /** What is sent after the end is left out: there are no arrivals any more to share. */
  add(server: number, nowMs: number): void {
    const bin = Math.floor(nowMs / BIN_MS);
    if (bin >= this.bins) return;
    const place = bin * this.servers + server;
    this.#counts[place] = this.#counts[place]! + 1;
  }

  /** Attempts from bin `from` up to, not including, bin `until`, by server. */
  sums(from: number, until: number): Float64Array {
    const sums = new Float64Array(this.servers);
    for (let bin = Math.max(0, from); bin < Math.min(until, this.bins); bin++) {
      for (let server = 0; server < this.servers; server++)
        sums[server] = sums[server]! + this.#counts[bin * this.servers + server]!;
    }
    return sums;
  }

  /** The share of these servers together in that span; undefined where nothing was sent at all. */
  share(servers: readonly number[], from: number, until: number): number | undefined {
    const sums = this.sums(from, until);
    const all = sums.reduce((sum, count) => sum + count, 0);
    if (all === 0) return undefined;
    return servers.reduce((sum, server) => sum + sums[server]!, 0) / all;
  }
}
