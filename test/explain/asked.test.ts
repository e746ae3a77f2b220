/** Requests as people describe them: what is understood, and what is said where it is not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeRequest, type Misdescribed } from "../../src/edge/admin/asked-request.ts";
import type { AskedRequest } from "../../src/app/explain-request.ts";

interface Said {
  readonly headers?: readonly string[];
  readonly port?: number;
  readonly client?: string;
  readonly ports?: readonly number[];
}

function described(request: string, said: Said = {}): ReturnType<typeof describeRequest> {
  const { headers = [], port, client, ports = [8080] } = said;
  return describeRequest({ request, headers, port, client }, ports);
}

function asked(request: string, said?: Said): AskedRequest {
  const result = described(request, said);
  assert.ok(result.kind === "request", JSON.stringify(result));
  return result.asked;
}

function refused(request: string, said?: Said): Misdescribed {
  const result = described(request, said);
  assert.ok(result.kind === "malformed", request);
  return result;
}

test("a request line with an absolute URL", () => {
  const { method, host, path, query, target, port, address } = asked(
    "POST http://Shop.Example:8080/cart?x=1&y#z",
  );
  assert.deepEqual(
    { method, host, path, query, target, port, address },
    {
      method: "POST",
      host: "shop.example",
      path: "/cart",
      query: "x=1&y",
      target: "/cart?x=1&y",
      port: 8080,
      address: "127.0.0.1",
    },
  );
});

test("GET where no method is said, / where no path is, and a version that is said is heard", () => {
  const bare = asked("http://a");
  assert.deepEqual([bare.method, bare.target, bare.host], ["GET", "/", "a"]);
  assert.equal(asked("http://a?x").target, "/?x");
  assert.equal(asked("DELETE http://a/b HTTP/1.1").method, "DELETE");
  assert.equal(asked("OPTIONS *", { headers: ["Host: a"] }).target, "*");
});

test("a path with a Host among the headers; a Host goes before the URL's", () => {
  assert.equal(asked("GET /x", { headers: ["host: a.b"] }).host, "a.b");
  assert.equal(asked("GET http://c/x", { headers: ["Host: a.b"] }).host, "a.b");
});

test("headers are read as on the wire: any case, repeated ones joined", () => {
  const request = asked("http://a/", {
    headers: ["X-User: ann", "x-list: 1", "X-List:2"],
    client: "10.1.2.3",
  });
  assert.equal(request.header("x-user"), "ann");
  assert.equal(request.header("x-list"), "1, 2");
  assert.equal(request.header("x-none"), undefined);
  assert.equal(asked("http://a/", { client: "10.1.2.3" }).address, "10.1.2.3");
});

test("the port: said, the URL's, 80, or the only one", () => {
  assert.equal(asked("http://a:8080/", { port: 81, ports: [81, 8080] }).port, 81);
  assert.equal(asked("http://a:81/", { ports: [81, 8080] }).port, 81);
  assert.equal(asked("http://a/", { ports: [8080, 80] }).port, 80);
  assert.equal(asked("http://[::1]/", { ports: [8080] }).port, 8080);
  assert.deepEqual(refused("http://a/", { ports: [81, 82] }), {
    kind: "malformed",
    error: "there are several ports; say to which one it comes",
    expected: "one of 81, 82",
  });
  assert.match(refused("http://a:9/").error, /^nothing listens on port 9 /);
  assert.equal(refused("http://a/", { port: 9 }).expected, "one of 8080");
});

test("what cannot be read is said, with what was expected", () => {
  for (const request of [
    "",
    "GET",
    "GET http://",
    "GET http://a/ b c",
    "://x",
    "G@T: http://a/",
    "ftp://a/",
  ]) {
    assert.match(refused(request).expected, /^METHOD http:\/\/HOST\/PATH/, request);
  }
  assert.match(refused("GET https://a/").error, /plain HTTP/);
  assert.equal(refused("GET /x").error, "the request names no host");
  for (const header of ["x", ": y", "a b: c", "x: a\r\nHost: b", "x: a\nb: c"]) {
    assert.equal(refused("http://a/", { headers: [header] }).expected, "NAME: VALUE", header);
  }
});

test("what the data path refuses is refused in its words", () => {
  const words = (request: string, headers: readonly string[] = []): string =>
    refused(request, { headers }).error;
  assert.match(words("http://a/x/../y"), /400 bad-request: dot segment in the path/);
  assert.match(words("CONNECT http://a/"), /501 method-unsupported: CONNECT/);
  assert.match(words("http://a/\u{e9}"), /400 bad-request: malformed request target/);
  assert.match(words("http://a/", ["Content-Length: 1", "Content-Length: 2"]), /ambiguous body length/);
});
