/**
 * The admin port: health, metrics and what the gateway thinks, for people and programs on this machine.
 *
 * Read only: what is POSTed to a page is part of the question. Listens on loopback unless told otherwise; there is no authentication, so exposing it is a decision.
 */
import http from "node:http";
import type net from "node:net";

export interface AdminPage {
  readonly path: string;
  readonly summary: string;
  readonly contentType: string;
  /** Paths below this one are its too; else they are unknown. */
  readonly hasParts?: boolean;
  /** It may be asked with a body (POST) of so many bytes; 413 beyond. Left out: it may not. */
  readonly bodyBytesMax?: number;
  /** Status and body at the time of asking. */
  readonly render: (ask: AdminAsk) => AdminAnswer;
}

export interface AdminAsk {
  readonly query: URLSearchParams;
  /** Of the path, what comes after the page's own and a slash; decoded. */
  readonly rest: string;
  /** Undefined: asked without one. */
  readonly body: Uint8Array | undefined;
}

export interface AdminAnswer {
  readonly status: number;
  readonly body: string;
}

export class AdminServer {
  readonly #pages: ReadonlyMap<string, AdminPage>;
  readonly #server: http.Server;

  constructor(pages: readonly AdminPage[]) {
    this.#pages = new Map(pages.map((page) => [page.path, page]));
    this.#server = http.createServer((request, response) => this.#answer(request, response));
  }

  /** Resolves to `host:port` as bound. Rejects if it cannot listen. */
  async listen(host: string, port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port }, resolve);
    });
    const address = this.#server.address() as net.AddressInfo;
    return `${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { path, query } = targetOf(request.url ?? "/");
    const page = this.#pageAt(path);
    const bodyBytesMax = page?.bodyBytesMax;
    if (request.method !== "GET" && request.method !== "HEAD") {
      if (request.method === "POST" && bodyBytesMax !== undefined) {
        const asked = (body: Uint8Array): void => this.#render(page!, { query, rest: "", body }, response);
        readBody(request, bodyBytesMax, asked, () => {
          const said = `the body is longer than ${bodyBytesMax} bytes\n`;
          send(response, 413, "text/plain; charset=utf-8", said, { connection: "close" });
        });
        return;
      }
      const allow = bodyBytesMax === undefined ? "GET, HEAD" : "GET, HEAD, POST";
      send(response, 405, "text/plain; charset=utf-8", `only ${allow}\n`, { allow });
      return;
    }
    if (page !== undefined) {
      const rest = path.slice(page.path.length + 1);
      this.#render(page, { query, rest, body: undefined }, response);
    } else if (path === "/") send(response, 200, "text/plain; charset=utf-8", this.#index());
    else send(response, 404, "text/plain; charset=utf-8", `no such page; there are:\n${this.#index()}`);
  }

  /** A page that fails answers 500; the data path, which shares the process, must not suffer for it. */
  #render(page: AdminPage, ask: AdminAsk, response: http.ServerResponse): void {
    try {
      const { status, body } = page.render(ask);
      send(response, status, page.contentType, body);
    } catch (error) {
      send(response, 500, "text/plain; charset=utf-8", `this page failed: ${String(error)}\n`);
    }
  }

  #pageAt(path: string): AdminPage | undefined {
    const exact = this.#pages.get(path);
    if (exact !== undefined) return exact;
    return [...this.#pages.values()].find(
      (page) => page.hasParts === true && path.startsWith(`${page.path}/`),
    );
  }

  #index(): string {
    return [...this.#pages.values()].map(({ path, summary }) => `${path.padEnd(18)}${summary}\n`).join("");
  }
}

/** A client that goes away in between is heard no more of. */
function readBody(
  request: http.IncomingMessage,
  bytesMax: number,
  whole: (body: Uint8Array) => void,
  tooLong: () => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    if (bytes > bytesMax) return;
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
    else {
      chunks.length = 0;
      tooLong();
    }
  });
  request.on("end", () => {
    if (bytes <= bytesMax) whole(Buffer.concat(chunks));
  });
  request.on("error", () => {});
}

/** A path that cannot be decoded is taken as it is written. */
function targetOf(url: string): { readonly path: string; readonly query: URLSearchParams } {
  const mark = url.indexOf("?");
  const written = mark === -1 ? url : url.slice(0, mark);
  const query = new URLSearchParams(mark === -1 ? "" : url.slice(mark + 1));
  try {
    return { path: decodeURIComponent(written), query };
  } catch {
    return { path: written, query };
  }
}

function send(
  response: http.ServerResponse,
  status: number,
  contentType: string,
  body: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": contentType, "cache-control": "no-store", ...headers });
  response.end(body);
}
