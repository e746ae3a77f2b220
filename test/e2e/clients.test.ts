/**
 * The standard HTTP clients of Python and Go: keep-alive, chunked bodies both ways, trailers both ways.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startProcess } from "../gateway/life/process.ts";
import { startNodeBackend } from "./node-backend.ts";
import { findProgram, runProgram, skipWithout } from "./programs.ts";

const PYTHON = findProgram("python3");
const GO = findProgram("go");

const scratch = mkdtempSync(join(tmpdir(), "plimsoll-clients-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const PYTHON_PROGRAM = `
import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
c.connect()
own = c.sock.getsockname()
for n in range(50):
    c.request("POST", "/echo", body=b"%d" % n)
    r = c.getresponse()
    assert (r.status, r.read()) == (200, b"%d" % n), n
c.request("POST", "/echo", body=iter([b"a" * 70000, b"b", b"c" * 10]), encode_chunked=True,
          headers={"Transfer-Encoding": "chunked"})
r = c.getresponse()
assert r.getheader("X-Length") == "70011" and len(r.read()) == 70011
c.request("GET", "/trailers")
r = c.getresponse()
assert r.read() == b"first second"
c.request("HEAD", "/echo")
r = c.getresponse()
assert r.status == 200 and r.read() == b""
c.request("GET", "/events")
assert c.getresponse().read().count(b"data: event") == 3
assert c.sock.getsockname() == own, "one connection for all"
print("python is content")
`;

const GO_PROGRAM = `
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
)

func check(ok bool, what string) {
	if !ok {
		fmt.Println("FAILED:", what)
		os.Exit(1)
	}
}

func main() {
	base := "http://127.0.0.1:" + os.Args[1]
	connections := 0
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if !info.Reused {
			connections++
		}
	}}
	do := func(method, path string, body io.Reader, trailer http.Header) (*http.Response, []byte) {
		request, err := http.NewRequest(method, base+path, body)
		check(err == nil, "request")
		request.Trailer = trailer
		request = request.WithContext(httptrace.WithClientTrace(request.Context(), trace))
		response, err := http.DefaultClient.Do(request)
		check(err == nil, fmt.Sprint(method, " ", path, ": ", err))
		data, err := io.ReadAll(response.Body)
		check(err == nil, fmt.Sprint("body of ", path, ": ", err))
		response.Body.Close()
		return response, data
	}
	for n := 0; n < 50; n++ {
		text := fmt.Sprint("number ", n)
		_, data := do("POST", "/echo", strings.NewReader(text), nil)
		check(string(data) == text, "echo")
	}
	// A reader of unknown length goes out in chunks, and so can have trailers.
	big := bytes.Repeat([]byte("x"), 1000000)
	response, data := do("POST", "/echo", io.MultiReader(bytes.NewReader(big)), http.Header{"X-Sum": {"seven"}})
	check(bytes.Equal(data, big), "chunked body")
	check(response.Header.Get("X-Trailer-Seen") == "seven", "request trailer")
	response, data = do("GET", "/trailers", nil, nil)
	check(string(data) == "first second" && response.Trailer.Get("X-Sum") == "2", "response trailer")
	_, data = do("GET", "/events", nil, nil)
	check(bytes.Count(data, []byte("data: event")) == 3, "events")
	response, data = do("HEAD", "/echo", nil, nil)
	check(response.StatusCode == 200 && len(data) == 0, "HEAD")
	check(connections == 1, fmt.Sprint("one connection for all, not ", connections))
	fmt.Println("go is content")
}
`;

test("Python's http.client", { skip: skipWithout(PYTHON, "python3") }, async () => {
  await using backend = await startNodeBackend();
  await using plimsoll = await startProcess({ pools: { web: [backend] } });
  const program = join(scratch, "client.py");
  writeFileSync(program, PYTHON_PROGRAM);
  const { code, stdout, stderr } = await runProgram(PYTHON!, [program, String(plimsoll.port)]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "python is content\n");
});

test("Go's net/http", { skip: skipWithout(GO, "go") }, async () => {
  await using backend = await startNodeBackend();
  await using plimsoll = await startProcess({ pools: { web: [backend] } });
  const program = join(scratch, "client.go");
  writeFileSync(program, GO_PROGRAM);
  // Standard library only: nothing is fetched. The first build of the cache can take a minute.
  const env = { GOFLAGS: "-mod=mod", GOPROXY: "off", GOTOOLCHAIN: "local", GO111MODULE: "off" };
  const options = { cwd: scratch, env, limitMs: 180_000 };
  const { code, stdout, stderr } = await runProgram(GO!, ["run", program, String(plimsoll.port)], options);
  assert.equal(code, 0, stdout + stderr);
  assert.equal(stdout, "go is content\n");
});
