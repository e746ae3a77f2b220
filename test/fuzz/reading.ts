/**
 * What a reader makes of a byte stream: the common terms in which two parsers are compared.
 */
export type Field = readonly [name: string, value: string];

/** Strings hold bytes, one character each (latin1). */
export interface MessageReading {
  readonly fields: readonly Field[];
  readonly body: string;
  readonly trailers: readonly Field[];
  /** The message's end has been read, and not only its head. */
  readonly whole: boolean;
}

export interface RequestReading extends MessageReading {
  readonly method: string;
  /** Origin form. */
  readonly target: string;
  readonly minorVersion: number;
}

export interface ResponseReading extends MessageReading {
  readonly status: number;
  readonly reason: string;
  readonly minorVersion: number;
}

/** Why reading stopped. `closing`: the last message ends the connection, and what follows it is nobody's. */
export type Stop =
  | { readonly kind: "starved" }
  | { readonly kind: "closing" }
  | { readonly kind: "tunnel" }
  | { readonly kind: "refused"; readonly refusal: string; readonly fault: string };

export interface Reading<Message> {
  readonly messages: readonly Message[];
  readonly stop: Stop;
}
