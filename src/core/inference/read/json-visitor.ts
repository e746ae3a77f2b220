/**
 * What a scanner tells of a JSON document, in the document's order.
 */
import type { JsonNumber } from "./json-number.ts";
import type { ContainerKind } from "./json-place.ts";

export type LiteralName = "true" | "false" | "null";

export type JsonFaultKind = "bad-json" | "bad-text" | "too-deep";

export interface JsonVisitor {
  /** The key of the value to come: `scanner.place` has its bytes. `hash`: of all its bytes, see name-table.ts. */
  key(hash: number): void;
  open(kind: ContainerKind): void;
  close(kind: ContainerKind): void;
  /** A string begins. True: its runs are wanted. */
  text(): boolean;
  run(bytes: Uint8Array, start: number, end: number): void;
  textEnd(): void;
  /** Valid during the call. */
  number(number: JsonNumber): void;
  literal(name: LiteralName): void;
  /** In the array that is open, integers may come many at a time, and none of them is a fault. */
  readonly wantsIntegers: boolean;
  integers(values: Uint32Array, count: number): void;
}
