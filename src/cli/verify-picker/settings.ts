/**
 * What the suite has to be told to fit a picker's pool, and its bounds. Times in milliseconds.
 */
import type { Header } from "../../edge/extproc-client/messages.ts";
import type { HostPort } from "../arguments.ts";

export interface VerifySettings {
  readonly target: HostPort;
  readonly tls: boolean;
  /** Where health is asked for beside the target, in the clear; undefined: nowhere. */
  readonly health: HostPort | undefined;
  /** A reply that takes longer is one that was waited for for ever. */
  readonly timeoutMs: number;
  /** `model` of the requests. */
  readonly model: string;
  readonly path: string;
  readonly authority: string;
  /** Metadata of every gRPC call. */
  readonly callHeaders: readonly Header[];
  /** On every request, beside those that each has. */
  readonly headers: readonly Header[];
  /** Endpoints of the pool, `ip:port`; empty: found out by asking. */
  readonly subset: readonly string[];
  /** The gateway's profile has comma lists: destinations may name more than one endpoint. */
  readonly fallbacks: boolean;
  /** Requests held open at a time. */
  readonly streams: number;
  /** Of the prompts that are to be large. */
  readonly largeBodyBytes: number;
  /** The picker's limit; undefined: it is not asked for. */
  readonly bodyBytesMax: number | undefined;
  /** Headers of a request that this picker is set up to drop; empty: none is known. */
  readonly shed: readonly Header[];
}

export const DEFAULT_PATH = "/v1/chat/completions";
export const DEFAULT_AUTHORITY = "verify-picker.invalid";
export const DEFAULT_MODEL = "verify-picker";
export const DEFAULT_TIMEOUT_MS = 5000;
/** The suite's own number; see docs/verify-picker.md for what it takes. */
export const DEFAULT_STREAMS = 10_000;
/** Above gRPC's usual limit of 4 MiB for a message. */
export const LARGE_BODY_BYTES = 5 * 1024 * 1024;
