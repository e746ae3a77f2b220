/**
 * The part of Envoy's external processing protocol that is spoken here, as field numbers; the names are those of the .proto
 * files, so that one can be held against the other.
 *
 * Sources: envoy.service.ext_proc.v3 (service and messages), envoy.extensions.filters.http.ext_proc.v3 (body modes),
 * envoy.config.core.v3 (headers, metadata), envoy.type.v3, google.protobuf.Struct, grpc.health.v1.
 * Field numbers are a wire format's only names: one that is wrong here is a message that nobody understands.
 */
export const FIELDS = {
  ProcessingRequest: {
    request_headers: 2,
    response_headers: 3,
    request_body: 4,
    response_body: 5,
    request_trailers: 6,
    response_trailers: 7,
    metadata_context: 8,
    attributes: 9,
    observability_mode: 10,
    protocol_config: 11,
  },
  ProtocolConfiguration: {
    request_body_mode: 1,
    response_body_mode: 2,
    send_body_without_waiting_for_header_response: 3,
  },
  HttpHeaders: { headers: 1, end_of_stream: 3 },
  HttpBody: { body: 1, end_of_stream: 2 },
  HttpTrailers: { trailers: 1 },
  HeaderMap: { headers: 1 },
  HeaderValue: { key: 1, value: 2, raw_value: 3 },
  Metadata: { filter_metadata: 1, typed_filter_metadata: 2 },
  ProcessingResponse: {
    request_headers: 1,
    response_headers: 2,
    request_body: 3,
    response_body: 4,
    request_trailers: 5,
    response_trailers: 6,
    immediate_response: 7,
    dynamic_metadata: 8,
  },
  HeadersResponse: { response: 1 },
  BodyResponse: { response: 1 },
  TrailersResponse: { header_mutation: 1 },
  CommonResponse: { status: 1, header_mutation: 2, body_mutation: 3, clear_route_cache: 5 },
  ImmediateResponse: { status: 1, headers: 2, body: 3, grpc_status: 4, details: 5 },
  GrpcStatus: { status: 1 },
  HttpStatus: { code: 1 },
  HeaderMutation: { set_headers: 1, remove_headers: 2 },
  HeaderValueOption: { header: 1, append_action: 3 },
  BodyMutation: { body: 1, clear_body: 2, streamed_response: 3 },
  StreamedBodyResponse: { body: 1, end_of_stream: 2 },
  Struct: { fields: 1 },
  Value: {
    null_value: 1,
    number_value: 2,
    string_value: 3,
    bool_value: 4,
    struct_value: 5,
    list_value: 6,
  },
  ListValue: { values: 1 },
  HealthCheckRequest: { service: 1 },
  HealthCheckResponse: { status: 1 },
} as const;

/** Every `map<K, V>` is a repeated message of these two. */
export const MAP_ENTRY = { key: 1, value: 2 } as const;

/** HeaderValueOption.append_action: whatever was there before is gone. */
export const OVERWRITE_IF_EXISTS_OR_ADD = 2;

/** ProcessingMode.BodySendMode. */
export const BODY_MODES = {
  NONE: 0,
  STREAMED: 1,
  BUFFERED: 2,
  BUFFERED_PARTIAL: 3,
  FULL_DUPLEX_STREAMED: 4,
} as const;

export const PROCESS_PATH = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";
export const PICKER_SERVICE = "envoy.service.ext_proc.v3.ExternalProcessor";
