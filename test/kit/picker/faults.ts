/**
 * The ways in which a scripted picker can be wrong, each as somebody could really write it.
 */
export type PickerFault =
  /** The destination stands in the header alone. */
  | "no-metadata"
  | "metadata-differs"
  /** Values of headers are written into `value`. */
  | "writes-value"
  /** Understands no header whose value stands in `value`. */
  | "reads-raw-value-only"
  /** Two endpoints in one destination. */
  | "comma-list"
  /** An address that is none: IPv6 without brackets. */
  | "bare-ipv6"
  /** Body replies without streamed_response, as lwepp's to responses. */
  | "plain-body-replies"
  /** The whole body in one reply. */
  | "large-chunks"
  /** Body replies before the header reply. */
  | "body-before-headers"
  /** A last reply too many. */
  | "two-ends"
  /** Waits for end_of_stream in a part of the body and looks at no trailers, as llm-d does. */
  | "ignores-trailers"
  /** Defers the header reply in every mode, as llm-d does. */
  | "always-defers"
  /** Takes a stream that does not say its modes for a buffered one. */
  | "assumes-buffered"
  /** Loses the last byte of what it echoes. */
  | "drops-a-byte"
  | "sets-content-length"
  | "ignores-subset"
  /** Understands lists alone. */
  | "subset-lists-only"
  /** Answers an empty subset with any endpoint. */
  | "empty-subset-is-none"
  /** A gRPC error where nobody can serve, as lwepp. */
  | "error-instead-of-503"
  /** Routes what it cannot read. */
  | "takes-any-json"
  | "ends-never-after-half-close"
  /** Takes a half-close for an abort. */
  | "aborts-on-half-close"
  /** Waits for the whole response before it gives any of it back. */
  | "holds-response"
  | "ignores-response-trailers"
  /** Leaves a destination that the client wrote. */
  | "adds-if-absent"
  | "appends"
  | "no-health"
  | "serves-any-health-name"
  /** Bytes that are no message end the connection. */
  | "garbage-ends-connection"
  | "garbage-is-ignored"
  | "drop-without-reason"
  | "no-body-limit"
  /** A message above gRPC's usual limit ends the stream. */
  | "small-messages"
  /** Replies to the first ten streams at a time alone. */
  | "ten-streams"
  /** No fault at all: the stream ends well after the decision, and the gateway goes on without the picker. */
  | "leaves-after-decision"
  /** Names an endpoint that is of no pool. */
  | "strange-endpoint";
