/**
 * What the client of one exchange is answered: an endpoint's response in the form its HTTP version can take, a refusal of
 * ours, or the switch to a tunnel; and whether its connection goes on afterwards.
 *
 * Invariant: once `begun`, something of an answer may have reached the client; it can be finished or cut, not replaced.
 */
import { REFUSALS, type Refusal } from "../../model/refusal.ts";
import { ownText, refusalText, type AnswerFrame, type OwnBody } from "./answer.ts";
import { AnswerStream } from "./answer-stream.ts";
import type { BytePath } from "./byte-path.ts";
import type { ExchangeClient } from "./exchange-context.ts";
import { CLIENT_PROBE_MS } from "./limits.ts";
import { responseHeadText, unstateLength } from "./wire/forward.ts";
import { UNTIL_CLOSE } from "./wire/framing.ts";
import type { RequestHead } from "./wire/request-head.ts";
import type { ResponseHead } from "./wire/response-head.ts";

export interface OwnAnswer {
  readonly refusal: Refusal;
  readonly detail: string;
  /** Undefined: not said. */
  readonly retryAfterMs: number | undefined;
  /** In the words of the API that the client speaks; undefined: in ours. */
  readonly body?: OwnBody | undefined;
}

/** `ending-here`: the gateway may have a last word; `of-other-length`: the body is changed on its way. */
export type BodyForm = "as-it-comes" | "ending-here" | "of-other-length";

export class Reply {
  /** The client's connection may carry another exchange after this one. */
  keepAlive: boolean;
  /** The client asked for another protocol. */
  readonly maySwitch: boolean;
  readonly #client: ExchangeClient;
  readonly #requestId: string;
  readonly #minorVersion: number;
  readonly #isHead: boolean;
  #stream: AnswerStream | undefined;
  #switched = false;

  constructor(client: ExchangeClient, head: RequestHead, requestId: string) {
    this.#client = client;
    this.#requestId = requestId;
    this.#minorVersion = head.minorVersion;
    this.#isHead = head.method === "HEAD";
    this.keepAlive = head.keepAlive;
    this.maySwitch = head.upgradesToWebSocket;
  }

  get begun(): boolean {
    return this.#switched || (this.#stream?.begun ?? false);
  }

  interim(head: ResponseHead, buffer: Buffer): void {
    // RFC 9110 section 15.2: a server must not send 1xx to an HTTP/1.0 client.
    if (this.#minorVersion === 0) return;
    const form = { requestId: undefined, chunked: false, connection: undefined };
    this.#client.wire.text(responseHeadText(head, buffer, form));
  }

  /** The request's body is wanted. */
  goOn(): void {
    if (this.#minorVersion === 1) this.#client.wire.text("HTTP/1.1 100 Continue\r\n\r\n");
  }

  /**
   * The client has ended its side; does it still listen? A closed and a half-closed connection look alike until something is
   * sent: the former then answers with RST, and the request is cancelled; the latter ignores an interim response, as
   * RFC 9110 section 15.2 demands. Within a silent answer only the kernel can ask, and learns it a minute later.
   */
  probe(): void {
    if (this.#stream === undefined) this.goOn();
    else this.#client.wire.keepAlive(CLIENT_PROBE_MS);
  }

  /** The endpoint's response begins; its body goes where this answers. */
  begin(head: ResponseHead, buffer: Buffer, path: BytePath, form: BodyForm): AnswerStream {
    const chunksKnown = this.#minorVersion === 1;
    if (form === "of-other-length") unstateLength(head);
    const isLengthTold = head.bodyLength >= 0 && form !== "of-other-length";
    // Without chunks, a body of unknown length can only end with its connection.
    if (this.#client.last || (!chunksKnown && !isLengthTold)) this.keepAlive = false;
    const text = responseHeadText(head, buffer, {
      requestId: head.hasRequestId ? undefined : this.#requestId,
      chunked: chunksKnown && !isLengthTold,
      connection: this.keepAlive ? (chunksKnown ? undefined : "keep-alive") : "close",
    });
    // Chunks may pass as they are unless somebody wants to end or change the body.
    const isVerbatim = chunksKnown && form === "as-it-comes";
    const rechunks = chunksKnown && !isLengthTold && (!isVerbatim || head.bodyLength === UNTIL_CLOSE);
    const chunks = isVerbatim ? "verbatim" : "decoded";
    this.#stream = new AnswerStream(path, { head: text, chunks, rechunks });
    return this.#stream;
  }

  /** The body is whole. */
  end(): void {
    this.#stream!.end();
  }

  /** The endpoint has switched protocols; what follows is the tunnel's. */
  switchProtocol(head: ResponseHead, buffer: Buffer): void {
    this.#switched = true;
    this.keepAlive = false;
    const form = { requestId: this.#requestId, chunked: false, connection: "Upgrade" } as const;
    this.#client.wire.text(responseHeadText(head, buffer, form));
  }

  /** Answers in the endpoint's stead; returns the status. `requestWhole`: nothing of the request is still to come. */
  refuse({ refusal, detail, retryAfterMs, body }: OwnAnswer, requestWhole: boolean): number {
    const frame = this.#ownFrame(requestWhole);
    this.#client.wire.text(refusalText(refusal, { ...frame, detail, retryAfterMs, body }));
    return REFUSALS[refusal].status;
  }

  /** Answers 200 in the endpoint's stead. */
  own(body: OwnBody, requestWhole: boolean): void {
    this.#client.wire.text(ownText(body, this.#ownFrame(requestWhole)));
  }

  #ownFrame(requestWhole: boolean): AnswerFrame {
    // An unread rest of the request would be taken for the next one.
    if (!requestWhole || this.#client.last) this.keepAlive = false;
    return { requestId: this.#requestId, headRequest: this.#isHead, keepAlive: this.keepAlive };
  }

  /** The body ends early, in words that its reader understands. */
  breakOff(text: string): void {
    this.keepAlive = false;
    this.#stream!.bodyBytes(Buffer.from(text), 0, Buffer.byteLength(text));
    this.#stream!.end();
  }

  /** What the client has must not be taken for the whole. */
  cut(): void {
    this.keepAlive = false;
    this.#client.wire.reset();
  }
}
