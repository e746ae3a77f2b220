/**
 * The messages on the wire: field numbers, what is written, and what is made of bytes that nobody should send.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BODY_MODES, FIELDS, OVERWRITE_IF_EXISTS_OR_ADD } from "./fields.ts";
import { readProcessingRequest } from "./processing-request.ts";
import {
  GO_ON,
  immediateReply,
  requestBodyReply,
  requestHeadersReply,
  responseHeadersReply,
  streamedBody,
} from "./processing-response.ts";
import { ProtoFault, ProtoReader } from "./proto-reader.ts";

/** As envoyproxy/data-plane-api 84e8436 has them, written down apart from the table that the code uses. */
const REFERENCE = `
ProcessingRequest: request_headers=2 response_headers=3 request_body=4 response_body=5 request_trailers=6 response_trailers=7 metadata_context=8 attributes=9 observability_mode=10 protocol_config=11
ProtocolConfiguration: request_body_mode=1 response_body_mode=2 send_body_without_waiting_for_header_response=3
HttpHeaders: headers=1 attributes=2 end_of_stream=3
HttpBody: body=1 end_of_stream=2 end_of_stream_without_message=3 grpc_message_compressed=4
HttpTrailers: trailers=1
HeaderMap: headers=1
HeaderValue: key=1 value=2 raw_value=3
Metadata: filter_metadata=1 typed_filter_metadata=2
ProcessingResponse: request_headers=1 response_headers=2 request_body=3 response_body=4 request_trailers=5 response_trailers=6 immediate_response=7 dynamic_metadata=8 mode_override=9 override_message_timeout=10 streamed_immediate_response=11 request_drain=12
HeadersResponse: response=1
BodyResponse: response=1
TrailersResponse: header_mutation=1
CommonResponse: status=1 header_mutation=2 body_mutation=3 trailers=4 clear_route_cache=5
ImmediateResponse: status=1 headers=2 body=3 grpc_status=4 details=5
GrpcStatus: status=1
HttpStatus: code=1
HeaderMutation: set_headers=1 remove_headers=2
HeaderValueOption: header=1 append=2 append_action=3 keep_empty_value=4
BodyMutation: body=1 clear_body=2 streamed_response=3
StreamedBodyResponse: body=1 end_of_stream=2 end_of_stream_without_message=3 grpc_message_compressed=4
Struct: fields=1
Value: null_value=1 number_value=2 string_value=3 bool_value=4 struct_value=5 list_value=6
ListValue: values=1
HealthCheckRequest: service=1
HealthCheckResponse: status=1
`;

test("every field has the number that the protocol gives it", () => {
  const known = new Map(
    REFERENCE.trim()
      .split("\n")
      .map((line) => {
        const [message = "", fields = ""] = line.split(": ");
        return [message, new Map(fields.split(" ").map((each) => each.split("=") as [string, string]))];
      }),
  );
  for (const [message, fields] of Object.entries(FIELDS)) {
    for (const [field, number] of Object.entries(fields)) {
      assert.equal(String(number), known.get(message)?.get(field), `${message}.${field}`);
    }
  }
  assert.deepEqual(Object.values(BODY_MODES), [0, 1, 2, 3, 4]);
  assert.equal(OVERWRITE_IF_EXISTS_OR_ADD, 2);
});

function hex(frame: Buffer): string {
  assert.equal(frame[0], 0);
  assert.equal(frame.readUInt32BE(1), frame.length - 5);
  return frame.toString("hex", 5);
}

test("replies are these bytes", () => {
  const changes = { set: [["k", "v"]], remove: ["r"] } as const;
  const metadata = { namespace: "n", key: "k", value: "v" };
  // 1 { 1 { 2 { 1 { 1 { 1: k, 3: v }, 3: 2 }, 2: r }, 5: 1 } }, then 8 { 1 { 1: n, 2 { 5 { 1 { 1: k, 2 { 3: v } } } } } }
  const mutation = "120f0a0a0a060a016b1a01761802120172";
  const common = `${mutation}2801`;
  const struct = "42130a110a016e120c2a0a0a080a016b12031a0176";
  assert.equal(hex(requestHeadersReply({ changes, metadata })), `0a150a13${common}${struct}`);
  const withBody = `${mutation}1a040a02${Buffer.from("hi").toString("hex")}2801`;
  assert.equal(
    hex(requestBodyReply({ changes, metadata, body: Buffer.from("hi") })),
    `1a1b0a19${withBody}${struct}`,
  );
  assert.equal(hex(responseHeadersReply({ set: [], remove: ["r"] })), "12070a051203120172");
  assert.equal(
    hex(immediateReply({ status: 503, headers: [["k", "v"]], body: "b", details: "d" })),
    "3a190a0308f703120c0a0a0a060a016b1a017618021a01622a0164",
  );
  assert.deepEqual(Object.values(GO_ON).map(hex).toSorted(), [
    "0a00",
    "1200",
    "1a00",
    "2200",
    "2a00",
    "3200",
  ]);
});

test("parts of a body are these bytes, whatever their length", () => {
  assert.equal(
    hex(Buffer.concat(streamedBody("request", [Buffer.from("a"), Buffer.from("b")], 2, false))),
    "1a0a0a081a061a040a026162",
  );
  assert.equal(hex(Buffer.concat(streamedBody("response", [], 0, true))), "22080a061a041a021001");
  for (const length of [0, 1, 127, 128, 16_383, 16_384, 62_000]) {
    for (const isLast of [false, true]) {
      const body = Buffer.alloc(length, "x");
      const frame = Buffer.concat(streamedBody("request", [body], length, isLast));
      let reader = new ProtoReader(frame, 5);
      for (const field of [3, 1, 3, 3]) {
        assert.ok(reader.next() && reader.isBytes(field));
        assert.equal(reader.to, frame.length);
        reader = reader.inside();
      }
      let read = Buffer.alloc(0);
      let end = false;
      while (reader.next()) {
        if (reader.isBytes(1)) read = Buffer.from(reader.slice());
        else if (reader.isVarint(2)) end = reader.number === 1;
      }
      assert.ok(read.equals(body));
      assert.equal(end, isLast);
    }
  }
});

test("large chunks are sent from where they are, small ones are put together", () => {
  const large = Buffer.alloc(20_000);
  assert.equal(streamedBody("request", [large, large], 40_000, true)[2], large);
  const small = Array.from({ length: 1_000 }, () => Buffer.alloc(40));
  assert.equal(streamedBody("request", small, 40_000, true).length, 1);
});

test("raw_value is read first, then value; repeated headers are joined", () => {
  const header = (bytes: string): string => `0a${(bytes.length / 2).toString(16).padStart(2, "0")}${bytes}`;
  const map = header("0a0141120176") + header("0a01621201761a0172") + header("0a01611a0178");
  const message = Buffer.from(
    `12${(map.length / 2 + 4).toString(16)}0a${(map.length / 2).toString(16)}${map}1801`,
    "hex",
  );
  const { kind, headers, endOfStream } = readProcessingRequest(message);
  assert.equal(kind, "request-headers");
  assert.equal(endOfStream, true);
  assert.deepEqual(
    [...headers],
    [
      ["a", "v,x"],
      ["b", "r"],
    ],
  );
});

test("bytes that are no message are faults and nothing else", () => {
  for (const text of [
    "",
    "ff",
    "12",
    "1205",
    "1203aabbcc",
    "0f",
    "12ffffffffffffffffff01",
    "1000",
    "ffffffffffffffffffffff01",
    "1b00",
  ]) {
    assert.throws(() => readProcessingRequest(Buffer.from(text, "hex")), ProtoFault, text);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        readProcessingRequest(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof ProtoFault);
      }
    }),
    { numRuns: 3_000, seed: 1 },
  );
});

test("a message cut anywhere, or with a byte changed, is read or is a fault", () => {
  const whole = Buffer.from("12140a0f0a0d0a053a706174681a042f76310a1801", "hex");
  for (let length = 0; length < whole.length; length++) {
    for (const value of [0, 0x7f, 0x80, 0xff]) {
      const changed = Buffer.from(whole);
      changed[length] = value;
      for (const bytes of [whole.subarray(0, length), changed]) {
        try {
          readProcessingRequest(bytes);
        } catch (error) {
          assert.ok(error instanceof ProtoFault);
        }
      }
    }
  }
});

test("numbers of any length up to ten bytes", () => {
  for (const [text, number] of [
    ["01", 1],
    ["ac02", 300],
    ["ffffffff0f", 2 ** 32 - 1],
    ["8080808010", 2 ** 32],
    ["ffffffffffffff0f", 2 ** 53 - 1],
    ["80808080808080808001", 2 ** 63],
  ] as const) {
    const reader = new ProtoReader(Buffer.from(`08${text}`, "hex"));
    assert.ok(reader.next() && reader.isVarint(1));
    assert.equal(reader.number, number);
  }
});
