/**
 * A peer: one reverse proxy program that the bench can start in front of the origin.
 *
 * All peers get the same task: one process (or one worker, one thread), keep-alive on both sides, no access log,
 * X-Forwarded-For/-Proto/-Host and X-Request-Id added, paths under /sse to the stream origin and the rest to the
 * file origin, idle connections kept for five minutes.
 */
import type { Child } from "../../lib/children.ts";
import type { Origin } from "../origin.ts";

export interface RunningPeer {
  readonly child: Child;
  /** Where it listens, on loopback. */
  readonly port: number;
}

export interface Peer {
  readonly name: string;
  readonly version: string;
  /** Starts a fresh instance with its files under `folder`; resolves when it answers through to the origin. */
  start(origin: Origin, folder: string): Promise<RunningPeer>;
}

/** Why a peer does not take part, in words for the person who runs the bench. */
export interface Missing {
  readonly missing: string;
}

export const IDLE_SECONDS = 300;
export const UPSTREAM_CONNECTIONS = 256;
