/**
 * What the gateway grants a client, and what happens at each limit: first those that the command line can change, then
 * constants of the data path.
 */
export interface ClientLimits {
  /** Bytes of a request's head; beyond: 431 `head-too-large` and the connection closes. Below one read (64 KiB). */
  readonly headBytesMax: number;
  /** From the head's first byte to its last; beyond: 408 `head-timeout` and the connection closes. */
  readonly headTimeMs: number;
  /** Between two requests of one connection; beyond: the connection closes. */
  readonly idleMs: number;
  /** Client connections of the whole process; beyond: 503 `too-many-connections` and the connection closes. */
  readonly connectionsMax: number;
  /** Time for exchanges in flight to end after SIGTERM; beyond: they are cut. */
  readonly drainMs: number;
}

export const DEFAULT_CLIENT_LIMITS: ClientLimits = {
  headBytesMax: 61_440,
  headTimeMs: 15_000,
  idleMs: 3_600_000,
  connectionsMax: 20_000,
  drainMs: 30_000,
};

/**
 * Bytes of a request's body kept for another attempt. A longer body is sent once: it streams, and cannot be replayed.
 * The same 64 KiB that linkerd keeps.
 */
export const REPLAY_BYTES_MAX = 65_536;

/** Bytes a client may send ahead (pipelining) before reading from it stops until its turn comes. */
export const PIPELINED_BYTES_MAX = 65_536;

/** Bytes of answers that may wait for a client to read them before its next request is taken up. */
export const UNREAD_BYTES_MAX = 65_536;

/** After an answer that came before the request's end: what is still read, so that the answer is not lost to a RST. */
export const LINGER_BYTES_MAX = 1_048_576;

/** A connection that is to end is given this long, if idle, in which a request already on its way may arrive. */
export const LEAVING_IDLE_MS = 1_000;

/** Interim (1xx) responses to one request; beyond: `bad-response`. */
export const INTERIM_MAX = 32;

/** TCP keep-alive towards a client that has ended its side: is it still there? */
export const CLIENT_PROBE_MS = 1_000;
