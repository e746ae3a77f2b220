/**
 * What the client of one exchange is answered: an endpoint's response in the form its HTTP version can take, a refusal of
 * ours, or the switch to a tunnel; and whether its connection goes on afterwards.
 *
 * Invariant: once `begun`, something of an answer may have reached the client; it can be finished or cut, not replaced.
 */
import { REFUSALS, type Refusal } from "../../model/refusal.ts";
import { answerForm, refusalText } from "./answer.ts";
import { AnswerStream } from "./answer-stream.ts";
import type { ExchangeClient } from "./exchange-context.ts";
import { responseHeadText } from "./wire/forward.ts";
import { UNTIL_CLOSE } from "./wire/framing.ts";
import type { RequestHead } from "./wire/request-head.ts";
import type { ResponseHead } from "./wire/response-head.ts";

export interface OwnAnswer {
  readonly refusal: Refusal;
  readonly detail: string;
  /** Undefined: not said. */
  readonly retryAfterMs: number | undefined;
}

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

  /**
   * A closed and a half-closed connection look alike until something is sent: the former then answers with RST, and the request
   * is cancelled; the latter ignores an interim response, as RFC 9110 section 15.2 demands. Only before an answer.
   */
  probe(): void {
    if (this.#minorVersion === 1) this.#client.wire.text("HTTP/1.1 100 Continue\r\n\r\n");
  }

  /** The endpoint's response begins. Answers how chunks of the body that follows are to be handed on. */
  begin(head: ResponseHead, buffer: Buffer): "verbatim" | "decoded" {
    const chunksKnown = this.#minorVersion === 1;
    // Without chunks, a body of unknown length can only end with its connection.
    if (this.#client.last || (!chunksKnown && head.bodyLength < 0)) this.keepAlive = false;
    const form = answerForm(head, this.#minorVersion, this.#requestId, this.keepAlive);
    const rechunks = head.bodyLength === UNTIL_CLOSE && chunksKnown;
    this.#stream = new AnswerStream(this.#client.wire, responseHeadText(head, buffer, form), rechunks);
    return chunksKnown ? "verbatim" : "decoded";
  }

  /** False: the client does not keep up; stop until its wire drains. */
  bytes(buffer: Buffer, start: number, end: number): boolean {
    return this.#stream!.bytes(buffer, start, end);
  }

  text(text: string): void {
    this.#stream!.text(text);
  }

  /** The endpoint's read is worked off. */
  flush(): void {
    this.#stream?.flush();
  }

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
  refuse({ refusal, detail, retryAfterMs }: OwnAnswer, requestWhole: boolean): number {
    // An unread rest of the request would be taken for the next one.
    if (!requestWhole || this.#client.last) this.keepAlive = false;
    const options = {
      detail,
      requestId: this.#requestId,
      headRequest: this.#isHead,
      keepAlive: this.keepAlive,
      retryAfterMs,
    };
    this.#client.wire.text(refusalText(refusal, options));
    return REFUSALS[refusal].status;
  }

  /** What the client has must not be taken for the whole. */
  cut(): void {
    this.keepAlive = false;
    this.#client.wire.reset();
  }
}
