/**
 * What a gateway says to an endpoint picker and what it hears back, as plain shapes (envoy.service.ext_proc.v3).
 *
 * A reply keeps what a verifier must see and a gateway need not: whether a header's value stood in `value` or in `raw_value`, how a
 * mutation wants to be applied, and fields that nobody knows.
 */

export type Side = "request" | "response";

/** BodySendMode, by number. */
export const BODY_MODES = [
  "NONE",
  "STREAMED",
  "BUFFERED",
  "BUFFERED_PARTIAL",
  "FULL_DUPLEX_STREAMED",
] as const;
export type BodyMode = (typeof BODY_MODES)[number];

export interface ProtocolConfig {
  readonly requestBody: BodyMode;
  readonly responseBody: BodyMode;
}

export type Header = readonly [name: string, value: string];

/** A value of google.protobuf.Struct. */
export type MetadataValue =
  null | number | string | boolean | readonly MetadataValue[] | { readonly [key: string]: MetadataValue };

export type Struct = { readonly [key: string]: MetadataValue };

export type Part =
  | {
      readonly kind: "headers";
      readonly side: Side;
      readonly headers: readonly Header[];
      /** Where the values stand: Envoy writes `raw_value`, NGINX Gateway Fabric `value`. */
      readonly valuesIn: "value" | "raw_value";
      readonly endOfStream: boolean;
    }
  | { readonly kind: "body"; readonly side: Side; readonly body: Uint8Array; readonly endOfStream: boolean }
  | { readonly kind: "trailers"; readonly side: Side; readonly headers: readonly Header[] };

/** ProcessingRequest. */
export interface ProcessingRequest {
  readonly part: Part;
  /** filter_metadata by namespace. */
  readonly metadata?: Readonly<Record<string, Struct>> | undefined;
  /** Stands on the first message of a stream. */
  readonly protocolConfig?: ProtocolConfig | undefined;
}

/** HeaderValueOption.append_action, by number. */
export const APPEND_ACTIONS = [
  "APPEND_IF_EXISTS_OR_ADD",
  "ADD_IF_ABSENT",
  "OVERWRITE_IF_EXISTS_OR_ADD",
  "OVERWRITE_IF_EXISTS",
] as const;

export interface HeaderToSet {
  readonly name: string;
  /** Undefined or "": not written there. */
  readonly value: string | undefined;
  readonly rawValue: string | undefined;
  /** The deprecated wrapper; undefined where it does not stand. */
  readonly append: boolean | undefined;
  readonly appendAction: number;
}

export interface HeaderMutation {
  readonly set: readonly HeaderToSet[];
  readonly remove: readonly string[];
}

export type BodyMutation =
  | { readonly kind: "whole"; readonly body: Buffer }
  | { readonly kind: "clear" }
  | { readonly kind: "streamed"; readonly body: Buffer; readonly endOfStream: boolean };

/** CommonResponse. */
export interface CommonReply {
  readonly status: number;
  readonly headers: HeaderMutation;
  readonly body: BodyMutation | undefined;
  readonly clearRouteCache: boolean;
}

export type Answer =
  | { readonly kind: "headers" | "body"; readonly side: Side; readonly common: CommonReply }
  | { readonly kind: "trailers"; readonly side: Side; readonly headers: HeaderMutation }
  | {
      readonly kind: "immediate";
      /** HTTP status. */
      readonly status: number;
      readonly headers: HeaderMutation;
      readonly body: Buffer;
      readonly details: string;
    }
  /** None of the kinds above: the reply says nothing, or something that nobody knows. */
  | { readonly kind: "nothing" };

/** ProcessingResponse. */
export interface ProcessingReply {
  readonly answer: Answer;
  readonly dynamicMetadata: Struct | undefined;
  /** mode_override stands in it. */
  readonly overridesMode: boolean;
  /** Numbers of fields at its top that the protocol does not have. */
  readonly unknownFields: readonly number[];
}

/** What a gateway that reads `raw_value` first sees. */
export function headerText({ rawValue, value }: HeaderToSet): string {
  return rawValue !== undefined && rawValue !== "" ? rawValue : (value ?? "");
}
