/**
 * The process that serves as the http-proxy-3 peer: `node http-proxy-3-server.ts PORT FILE_PORT STREAM_PORT`.
 *
 * The library's documented fast set-up: a keep-alive agent on the origin's side, X-Forwarded-* by `xfwd`.
 */
import { randomUUID } from "node:crypto";
import { Agent, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { HOST } from "../../lib/network.ts";
import { IDLE_SECONDS, UPSTREAM_CONNECTIONS } from "./peer.ts";

/** The part of the library that is used; its own types are absent until it has been installed. */
interface HttpProxyLibrary {
  createProxyServer(
    this: void,
    options: { agent: Agent; xfwd: boolean },
  ): {
    on(
      event: "error",
      listener: (error: Error, request: IncomingMessage, response: ServerResponse) => void,
    ): void;
    web(request: IncomingMessage, response: ServerResponse, options: { target: string }): void;
  };
}

const [port, filePort, streamPort] = process.argv.slice(2).map(Number);
const library: string = "http-proxy-3";
const { createProxyServer } = (await import(library)) as HttpProxyLibrary;

const agent = new Agent({
  keepAlive: true,
  maxFreeSockets: UPSTREAM_CONNECTIONS,
  timeout: IDLE_SECONDS * 1000,
});
const proxy = createProxyServer({ agent, xfwd: true });
proxy.on("error", (_error, _request, response) => {
  if (response.headersSent) response.destroy();
  else response.writeHead(502).end();
});

const file = { target: `http://${HOST}:${filePort}` };
const stream = { target: `http://${HOST}:${streamPort}` };
const server = createServer((request, response) => {
  request.headers["x-request-id"] = randomUUID();
  proxy.web(request, response, request.url?.startsWith("/sse") === true ? stream : file);
});
server.keepAliveTimeout = IDLE_SECONDS * 1000;
server.maxRequestsPerSocket = 0;
server.listen({ port, host: HOST, backlog: 4096 });
process.once("SIGTERM", () => process.exit(0));
