/**
 * One kept connection to one target, and one page at a time over it: HTTP/1.1, no redirects, no content codings.
 *
 * A connection that the target closed between two pages is no failure: what was asked on it and not answered by a single
 * byte is asked once more on a new one. Everything else that goes wrong is told once, and the connection is given up.
 * Time is not kept here: whoever asked calls `giveUp` when it is up.
 *
 * Invariant: every `ask` ends in exactly one `pageEnded` or `pageFailed`, unless `close` comes first.
 */
import { endpointKey } from "../../model/endpoint.ts";
import { BODY_MALFORMED, BodyReader, type BodySink } from "../http/wire/body-reader.ts";
import { NEEDS_MORE } from "../http/wire/fields.ts";
import { ResponseHead, UNREADABLE } from "../http/wire/response-head.ts";
import { Wire, type WireUser } from "../http/wire/wire.ts";

/** Beyond: the head is unreadable. */
const HEAD_BYTES_MAX = 16_384;
/** Nobody sends more of them before a metrics page. */
const INTERIM_MAX = 8;

export interface PageUser {
  /** A page begins; what came of an earlier one is void. */
  pageBegins(): void;
  /** Valid only during the call. */
  pageBytes(buffer: Buffer, start: number, end: number): void;
  pageEnded(bytes: number): void;
  /** `fault`: `status 404`, `ECONNREFUSED`, `timeout`, ... */
  pageFailed(fault: string): void;
  /** One of the calls above has thrown: a bug. `pageFailed` follows. */
  defect(error: unknown): void;
}

/** Heads are parsed in one step, so one serves all connections. */
const head = new ResponseHead();
const NOTHING: Buffer = Buffer.alloc(0);

export class PageConnection implements BodySink {
  readonly #address: string;
  readonly #port: number;
  readonly #pageBytesMax: number;
  readonly #user: PageUser;
  #wire: Wire | undefined;
  #state: "idle" | "head" | "body" = "idle";
  #request = "";
  /** Pages that came over this connection. */
  #pages = 0;
  /** Any byte came since the request was sent. */
  #answered = false;
  #held = NOTHING;
  #interim = 0;
  readonly #body = new BodyReader();
  #bodyBytes = 0;
  #keepAlive = true;

  constructor(address: string, port: number, pageBytesMax: number, user: PageUser) {
    this.#address = address;
    this.#port = port;
    this.#pageBytesMax = pageBytesMax;
    this.#user = user;
  }

  get busy(): boolean {
    return this.#state !== "idle";
  }

  /** `path`: with its query, as it goes into the request line. */
  ask(path: string): void {
    if (this.busy) throw new Error("a page is under way");
    this.#request =
      `GET ${path} HTTP/1.1\r\nhost: ${endpointKey(this.#address, this.#port)}\r\n` +
      `accept: text/plain;version=0.0.4,*/*;q=0.1\r\nuser-agent: plimsoll-scraper\r\n\r\n`;
    this.#send();
  }

  /** The page under way is wanted no longer. */
  giveUp(fault: string): void {
    if (this.busy) this.#fail(fault);
  }

  close(): void {
    this.#state = "idle";
    this.#drop();
  }

  #send(): void {
    this.#state = "head";
    this.#answered = false;
    this.#held = NOTHING;
    this.#interim = 0;
    if (this.#wire === undefined) {
      this.#pages = 0;
      this.#wire = this.#connect();
    }
    this.#wire.text(this.#request);
  }

  /** Each wire has a listener of its own: what an old one still says must not be taken for the new one's. */
  #connect(): Wire {
    let wire: Wire | undefined = undefined;
    const isCurrent = (): boolean => wire === undefined || this.#wire === wire;
    const user: WireUser & { onConnect(): void } = {
      onConnect: () => {},
      onBytes: (buffer, start, end) => isCurrent() && this.#onBytes(buffer, start, end),
      onEnd: () => isCurrent() && this.#onEnd(),
      onDrain: () => {},
      onGone: (error) => isCurrent() && this.#onGone(error),
      onDefect: (error) => this.#onDefect(error),
    };
    wire = Wire.connect(this.#address, this.#port, user);
    return wire;
  }

  #onBytes(buffer: Buffer, start: number, end: number): void {
    this.#answered = true;
    let at = start;
    if (this.#state === "head") {
      at = this.#readHead(buffer, start, end);
      if (at < 0) return;
    }
    if (this.#state === "body") this.#readBody(buffer, at, end);
    else if (at < end) this.#drop(); // Bytes that nobody asked for: what follows could not be told apart from them.
  }

  #onEnd(): void {
    if (this.#state === "body" && this.#body.endsAtClose) this.#end();
    else this.#onGone(undefined);
  }

  #onGone(error: (Error & { code?: string }) | undefined): void {
    const isStale = this.#state === "head" && !this.#answered && this.#pages > 0;
    this.#drop();
    if (!this.busy) return;
    if (isStale) this.#send();
    else this.#fail(error?.code ?? error?.message ?? "closed early");
  }

  #onDefect(error: unknown): void {
    this.#user.defect(error);
    if (this.busy) this.#fail("defect");
  }

  bodyBytes(buffer: Buffer, start: number, end: number): void {
    this.#bodyBytes += end - start;
    if (this.#bodyBytes <= this.#pageBytesMax) this.#user.pageBytes(buffer, start, end);
  }

  bodyText(): void {}

  /** Returns where the body begins in `buffer`, or -1 where there is none yet. */
  #readHead(buffer: Buffer, start: number, end: number): number {
    const heldBytes = this.#held.length;
    const bytes = heldBytes === 0 ? buffer : Buffer.concat([this.#held, buffer.subarray(start, end)]);
    const upTo = heldBytes === 0 ? end : bytes.length;
    let at = heldBytes === 0 ? start : 0;
    for (;;) {
      const from = at;
      at = head.parse(bytes, from, upTo, false);
      if (at === UNREADABLE) return this.#refuse(`unreadable answer: ${head.fault}`);
      if (at === NEEDS_MORE) {
        if (upTo - from > HEAD_BYTES_MAX) return this.#refuse("head too large");
        this.#held = Buffer.from(bytes.subarray(from, upTo));
        return -1;
      }
      if (head.status >= 200) break;
      if (head.status === 101 || ++this.#interim > INTERIM_MAX) return this.#refuse(`status ${head.status}`);
    }
    this.#held = NOTHING;
    if (head.status !== 200) return this.#refuse(`status ${head.status}`);
    if (isCoded(bytes)) return this.#refuse("content coding");
    this.#keepAlive = head.keepAlive;
    this.#bodyBytes = 0;
    this.#body.begin(head.bodyLength, "decoded");
    this.#state = "body";
    this.#user.pageBegins();
    return heldBytes === 0 ? at : start + at - heldBytes;
  }

  #readBody(buffer: Buffer, start: number, end: number): void {
    const at = this.#body.feed(buffer, start, end, this);
    if (!this.busy) return; // Given up by what it read.
    if (at === BODY_MALFORMED) this.#fail(`unreadable answer: ${this.#body.fault}`);
    else if (this.#bodyBytes > this.#pageBytesMax) this.#fail("page too large");
    else if (this.#body.done) {
      if (at < end) this.#keepAlive = false;
      this.#end();
    }
  }

  #end(): void {
    this.#state = "idle";
    this.#pages++;
    if (!this.#keepAlive) this.#drop();
    this.#user.pageEnded(this.#bodyBytes);
  }

  #refuse(fault: string): -1 {
    this.#fail(fault);
    return -1;
  }

  #fail(fault: string): void {
    this.#state = "idle";
    this.#drop();
    this.#user.pageFailed(fault);
  }

  #drop(): void {
    const wire = this.#wire;
    this.#wire = undefined;
    wire?.destroy();
  }
}

/** The head last parsed has a Content-Encoding that is not `identity`, although none was asked for. */
function isCoded(bytes: Buffer): boolean {
  const fields = head.fields;
  for (let i = 0; i < fields.count; i++) {
    const name = bytes.toString("latin1", fields.nameAt[i], fields.nameEnd[i]);
    if (name.toLowerCase() !== "content-encoding") continue;
    if (fields.value(bytes, i).trim().toLowerCase() !== "identity") return true;
  }
  return false;
}
