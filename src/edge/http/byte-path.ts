/**
 * What bytes between an endpoint and its client pass: both wires, and the notes that are taken of them.
 */
import type { ExchangeNotes } from "../../app/record.ts";
import type { Sweeper } from "./sweeper.ts";
import type { Wire } from "./wire/wire.ts";

export interface BytePath {
  readonly client: Wire;
  readonly endpoint: Wire;
  readonly notes: ExchangeNotes;
  readonly sweeper: Sweeper;
}
