/**
 * The response's half of one stream: every message is answered in the same turn in which it came, and read along for what
 * it tells of the endpoint.
 *
 * Bytes go back as they came, but for a model's name where the request's was rewritten. Some gateways show no more than the
 * response's head (body mode NONE): then its status is all there is to judge the endpoint by.
 */
import type { AnswerNames, CarriedExchange } from "../../app/carried-exchange.ts";
import { ModelRename } from "../../core/inference/read/model-rename.ts";
import {
  LOAD_HEADER,
  LOAD_HEADER_BINARY,
  LOAD_HEADER_JSON,
  parseLoadReport,
} from "../../core/signals/orca.ts";
import type { LoadReport } from "../../model/load-report.ts";
import type { Outbox } from "./outbox.ts";
import { BODY_MODES } from "./wire/fields.ts";
import type { HeaderTexts } from "./wire/processing-request.ts";
import { GO_ON, responseBodyReply, responseHeadersReply } from "./wire/processing-response.ts";

export class ResponseSide {
  readonly #exchange: CarriedExchange;
  readonly #outbox: Outbox;
  readonly #mode: number;
  #rename: ModelRename | undefined;
  /** What the renaming has given out of the present message. */
  #renamed: Buffer[] = [];
  #isHeadSeen = false;

  constructor(exchange: CarriedExchange, outbox: Outbox, mode: number) {
    this.#exchange = exchange;
    this.#outbox = outbox;
    this.#mode = mode;
  }

  /** The response's head has come by, and its body will not. */
  get isUnseen(): boolean {
    return this.#isHeadSeen && this.#mode === BODY_MODES.NONE;
  }

  headers(headers: HeaderTexts, endOfStream: boolean): void {
    this.#isHeadSeen = true;
    const names = this.#exchange.answerBegins({
      status: statusIn(headers),
      contentType: headers.get("content-type"),
      contentEncoding: headers.get("content-encoding"),
      load: loadIn(headers),
      hasBody: !endOfStream && this.#mode !== BODY_MODES.NONE,
    });
    if (names === undefined) this.#outbox.push(GO_ON.responseHeaders);
    else this.#beginRenaming(names);
    if (endOfStream) this.#exchange.answerEnds();
  }

  #beginRenaming({ target, name }: AnswerNames): void {
    this.#rename = new ModelRename(target, name, this.#exchange.isEventStream, (bytes, start, end) =>
      this.#renamed.push(Buffer.from(bytes.subarray(start, end))),
    );
    this.#outbox.push(responseHeadersReply({ set: [], remove: ["content-length"] }));
  }

  body(bytes: Buffer, endOfStream: boolean): void {
    this.#exchange.answerBytes(bytes);
    const chunks = this.#rename === undefined ? undefined : this.#renamedFrom(bytes, endOfStream);
    if (this.#mode === BODY_MODES.FULL_DUPLEX_STREAMED) {
      this.#outbox.pushBody("response", chunks ?? [bytes], endOfStream);
    } else
      this.#outbox.push(chunks === undefined ? GO_ON.responseBody : responseBodyReply(Buffer.concat(chunks)));
    if (endOfStream) this.#exchange.answerEnds();
  }

  #renamedFrom(bytes: Buffer, endOfStream: boolean): readonly Buffer[] {
    this.#rename!.feed(bytes, 0, bytes.length);
    if (endOfStream) this.#rename!.finish();
    const renamed = this.#renamed;
    this.#renamed = [];
    return renamed;
  }

  trailers(): void {
    this.#rename?.finish();
    if (this.#renamed.length > 0 && this.#mode === BODY_MODES.FULL_DUPLEX_STREAMED) {
      this.#outbox.pushBody("response", this.#renamed, false);
    }
    this.#outbox.push(GO_ON.responseTrailers);
    this.#exchange.answerEnds();
  }
}

/** `:status` is what Envoy sends; some shims write it without the colon. */
function statusIn(headers: HeaderTexts): number {
  const status = Number(headers.get(":status") ?? headers.get("status") ?? "0");
  return Number.isInteger(status) && status >= 100 && status <= 999 ? status : 0;
}

function loadIn(headers: HeaderTexts): LoadReport | undefined {
  for (const name of [LOAD_HEADER, LOAD_HEADER_BINARY, LOAD_HEADER_JSON]) {
    const value = headers.get(name);
    if (value !== undefined) return parseLoadReport(name, value);
  }
  return undefined;
}
