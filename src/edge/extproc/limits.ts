/**
 * What the picker grants a gateway, and what happens at each limit.
 */
import { PROMPT_BYTES_MAX } from "../../app/inference/prompt-intake.ts";

/** Of one gRPC message: a whole body in one (BUFFERED, the NGINX shim), and what stands around it. */
export const MESSAGE_BYTES_MAX: number = PROMPT_BYTES_MAX + 1_048_576;

/** Of bodies and parts of messages held at one time, by all streams; beyond: 503 `picker-full`. */
export const HELD_BYTES_MAX = 1_073_741_824;

/** Streams of all connections; beyond: RESOURCE_EXHAUSTED. One request of the gateway is one stream. */
export const STREAMS_MAX = 20_000;

/** Gateways keep one connection, or one per worker thread. */
export const CONNECTIONS_MAX = 4_096;

/** Bytes of body in one reply: below the 64 KiB up to which Envoy is known to take them. */
export const CHUNK_BYTES_MAX = 62_000;

/**
 * A gateway that does not say how it sends bodies is taken for a full-duplex one. Should nothing come of the body in this
 * time, it may be one that waits for a reply to the headers first; Envoy gives up after 200 ms.
 */
export const BODY_EXPECTED_MS = 100;

/** After the answer's end the gateway ends the stream; one that forgets to is helped. */
export const LINGER_MS = 30_000;
