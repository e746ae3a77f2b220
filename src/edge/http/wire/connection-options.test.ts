/**
 * Fields for one hop: what Connection may name, and what becomes of Expect and Upgrade.
 */
import { get, lines, post } from "../../../../test/fuzz/messages.ts";
import { acceptsRequests, refusesRequests } from "../../../../test/fuzz/table.ts";

const NOMINATED = "Connection names a field that frames or routes the message";
const SOCKET = ["Connection: Upgrade", "Upgrade: websocket"] as const;
const EXPECT = "Expect: 100-continue";
const ANY = { upgradesToWebSocket: false } as const;

refusesRequests("Connection", [
  ["names Host", get("Connection: Host"), NOMINATED],
  ["names Content-Length", post(["Connection: Content-Length", "Content-Length: 5"], "hello"), NOMINATED],
  ["names Content-Length that is not there", get("Connection: content-length"), NOMINATED],
  [
    "names Transfer-Encoding",
    post(["Connection: Transfer-Encoding", "Transfer-Encoding: chunked"]),
    NOMINATED,
  ],
  ["names Authorization", get("Connection: Authorization", "Authorization: x"), NOMINATED],
  ["names Content-Type", get("Connection: close, Content-Type"), NOMINATED],
  ["names it in another case", get("Connection: HOST"), NOMINATED],
  ["names it last", get("Connection: keep-alive, , close,\tHost"), NOMINATED],
  ["names it in a second line", get("Connection: keep-alive", "Connection: Host"), NOMINATED],
  ["no token", get('Connection: "close"'), NOMINATED],
  ["two words", get("Connection: keep alive"), NOMINATED],
  ["parameter", get("Connection: keep-alive;timeout=5"), NOMINATED],
  ["no-break space around an option", get("Connection: close\xa0"), NOMINATED],
  ["high bytes", get("Connection: cl\xf6se"), NOMINATED],
  ["more options than anyone needs (stricter)", get(`Connection: ${"a,".repeat(40)}`), NOMINATED],
]);

acceptsRequests("Connection", [
  ["close", get("Connection: close"), { keepAlive: false }],
  ["close in another case", get("Connection: CLOSE"), { keepAlive: false }],
  ["close and keep-alive", get("Connection: keep-alive, close"), { keepAlive: false }],
  ["close in a second line", get("Connection: keep-alive", "Connection: close"), { keepAlive: false }],
  ["empty", get("Connection:"), { keepAlive: true }],
  ["gaps in the list", get("Connection: , ,keep-alive,"), { keepAlive: true }],
  ["keep-alive without blanks", get("Connection:keep-alive,x"), { keepAlive: true }],
  ["Proxy-Connection means nothing", get("Proxy-Connection: close"), { keepAlive: true }],
  ["names itself", get("Connection: Connection"), { keepAlive: true }],
  ["names what we write ourselves", get("Connection: X-Forwarded-For, X-Request-Id"), { keepAlive: true }],
]);

refusesRequests("Expect", [
  ["unknown", post(["Expect: 200-ok", "Content-Length: 5"], "hello"), "Expect asks for something unknown"],
  ["empty", get("Expect:"), "Expect asks for something unknown"],
  ["a word before", get("Expect: y 100-continue"), "Expect asks for something unknown"],
  ["a word after", get("Expect: 100-continue y"), "Expect asks for something unknown"],
  ["list (stricter)", get("Expect: 100-continue, 100-continue"), "Expect asks for something unknown"],
  ["quoted", get('Expect: "100-continue"'), "Expect asks for something unknown"],
  ["another number", get("Expect: 101-continue"), "Expect asks for something unknown"],
  ["a bare CR before it", get("Expect:\r100-continue"), "bare CR in a field value"],
]);

acceptsRequests("Expect", [
  ["with a body", post([EXPECT, "Content-Length: 5"], "hello"), { expectsContinue: true, body: "hello" }],
  ["in another case", post(["expect: 100-CONTINUE", "Content-Length: 1"], "h"), { expectsContinue: true }],
  ["with chunks", post([EXPECT, "Transfer-Encoding: chunked"], "0\r\n\r\n"), { expectsContinue: true }],
  ["with no body is moot", get(EXPECT) + get(), { expectsContinue: false }, { expectsContinue: false }],
  ["with a body of none is moot", post([EXPECT, "Content-Length: 0"]), { expectsContinue: false }],
  [
    "in HTTP/1.0 is ignored",
    lines("POST / HTTP/1.0", EXPECT, "Content-Length: 1", "") + "h",
    { expectsContinue: false },
  ],
]);

acceptsRequests("Upgrade", [
  ["WebSocket", get(...SOCKET, "Sec-WebSocket-Key: x"), { upgradesToWebSocket: true, bodyLength: 0 }],
  [
    "WebSocket in other cases",
    get("connection: keep-alive, UPGRADE", "upgrade: WebSocket"),
    { upgradesToWebSocket: true },
  ],
  ["WebSocket with a length of 0", get(...SOCKET, "Content-Length: 0"), { upgradesToWebSocket: true }],
  ["WebSocket with a body is a request", get(...SOCKET, "Content-Length: 2") + "ok", { ...ANY, body: "ok" }],
  ["WebSocket with chunks is a request", get(...SOCKET, "Transfer-Encoding: chunked") + "0\r\n\r\n", ANY],
  ["WebSocket by POST is a request", post(SOCKET), ANY],
  ["WebSocket by HEAD is a request", lines("HEAD / HTTP/1.1", "Host: a", ...SOCKET, ""), ANY],
  ["WebSocket in HTTP/1.0 is a request", lines("GET / HTTP/1.0", ...SOCKET, ""), ANY],
  ["WebSocket without Connection is a request", get("Upgrade: websocket") + get(), ANY, ANY],
  ["Connection without Upgrade is a request", get("Connection: Upgrade") + get(), ANY, ANY],
  [
    "h2c is a request",
    get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: x") + get(),
    ANY,
    ANY,
  ],
  ["h2c beside WebSocket is a request", get("Connection: Upgrade", "Upgrade: websocket, h2c"), ANY],
  [
    "h2c on a line before WebSocket is a request",
    get("Connection: Upgrade", "Upgrade: h2c", "Upgrade: websocket"),
    ANY,
  ],
  [
    "h2c on a line after WebSocket is a request",
    get("Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c"),
    ANY,
  ],
  ["WebSocket with a version is a request", get("Connection: Upgrade", "Upgrade: websocket/13"), ANY],
  ["TLS is a request", get("Connection: Upgrade", "Upgrade: TLS/1.2, HTTP/1.1"), ANY],
]);
