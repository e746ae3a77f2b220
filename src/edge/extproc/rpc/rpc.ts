/**
 * A gRPC call as a service meets it, whoever carries it: `server.ts` over node:http2 here; any other library that can hand
 * over whole messages as bytes could take its place.
 *
 * A call ends once: by `end`, or by `onCancel`, after which nothing can be said. Messages come one at a time and never
 * from within `send`; half-closing is ordinary and ends nothing by itself.
 */

/** Canonical codes (google.rpc.Code) that are used here. */
export const RPC_OK = 0;
export const RPC_INVALID_ARGUMENT = 3;
export const RPC_DEADLINE_EXCEEDED = 4;
export const RPC_NOT_FOUND = 5;
export const RPC_RESOURCE_EXHAUSTED = 8;
export const RPC_UNIMPLEMENTED = 12;
export const RPC_INTERNAL = 13;
export const RPC_UNAVAILABLE = 14;

export interface RpcCall {
  /** The other side's address and port. */
  readonly peer: string;
  /** Of the call's own metadata, by lower-case name. */
  metadata(name: string): string | undefined;
  /** `parts`: a message with its five bytes of prefix, not to be changed any more. False: it waits, and `onDrain` will tell when there is room. */
  send(parts: readonly Buffer[]): boolean;
  /** Messages that come are left where they are until `resume`. */
  pause(): void;
  resume(): void;
  /** After everything that was sent. `message`: for people; ASCII. */
  end(code: number, message: string): void;
}

export interface RpcHandler {
  /** May share memory with what follows: what is kept of it for long is to be copied. */
  onMessage(bytes: Buffer): void;
  /** The other side will send no more. */
  onHalfClose(): void;
  onDrain(): void;
  /** The call is gone: reset, connection lost, deadline passed, or the server closes. */
  onCancel(): void;
}

/** By path, `/package.Service/Method`. */
export type RpcMethods = ReadonlyMap<string, (call: RpcCall) => RpcHandler>;
