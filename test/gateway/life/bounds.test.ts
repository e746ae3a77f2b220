/**
 * What clients can make the gateway hold: memory for idle ones and for ones that never read, descriptors, slow heads.
 *
 * Memory is that of the real process. The bounds are several times what is measured, for other machines' sake; each
 * figure is printed with its test.
 */
import assert from "node:assert/strict";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { answer, byPath, hugeBody } from "../../kit/behaviours.ts";
import { startEndpoint } from "../../kit/endpoint.ts";
import { startGateway } from "../../kit/gateway.ts";
import { exchangeOnce, rawClient } from "../../kit/raw-client.ts";
import { waitUntil } from "../../kit/wait.ts";
import { adminPage, metric } from "./admin-pages.ts";
import { startProcess, type PlimsollProcess } from "./process.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/** Opens so many connections and sends `bytes` on each. */
async function crowd(port: number, count: number, bytes: string): Promise<readonly Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect({ port, host: "127.0.0.1" });
      socket.on("error", () => undefined);
      await once(socket, "connect");
      if (bytes !== "") socket.write(bytes);
      return socket;
    }),
  );
}

function dismiss(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy();
}

async function clientsAre(plimsoll: PlimsollProcess, count: number): Promise<void> {
  await waitUntil(
    async () => (await metric(plimsoll.adminPort, "plimsoll_client_connections")) === count,
    `${count} client connections`,
  );
}

describe("what clients can make it hold", { concurrency: 2 }, () => {
  test("500 idle connections cost little memory each, and their descriptors come back", async (t) => {
    await using endpoint = await startEndpoint(answer("ok"));
    await using plimsoll = await startProcess(
      { pools: { web: [endpoint] } },
      { args: ["--access-log", "off"] },
    );
    const { port } = plimsoll;
    // Code and arenas come into being with the first of them.
    dismiss(await crowd(port, 50, GET));
    await clientsAre(plimsoll, 0);
    endpoint.closeIdle();
    await sleep(200);
    const filesBefore = plimsoll.openFiles();
    const rssBefore = plimsoll.rssBytes();

    const idle = await crowd(port, 500, "");
    await clientsAre(plimsoll, 500);
    assert.ok(plimsoll.openFiles() >= filesBefore + 500);
    const bytesEach = (plimsoll.rssBytes() - rssBefore) / 500;
    t.diagnostic(`${Math.round(bytesEach)} bytes of resident memory per idle connection`);
    assert.ok(bytesEach < 40_000, `${bytesEach} bytes per idle connection`);

    for (const socket of idle) socket.write(GET);
    await waitUntil(() => endpoint.requests.length >= 550, "a request on each");
    dismiss(idle);
    await clientsAre(plimsoll, 0);
    endpoint.closeIdle();
    await waitUntil(
      () => plimsoll.openFiles() <= filesBefore,
      () => `${filesBefore} descriptors, not ${plimsoll.openFiles()}`,
    );
  });

  test("200 clients that never read a large body hold a bounded amount each", async (t) => {
    let produced = 0;
    const huge = hugeBody({ bytes: 256 * 1024 * 1024, onProgress: () => (produced += 65_536) });
    await using endpoint = await startEndpoint(byPath({ "/huge": huge, "/": answer("ok") }));
    await using plimsoll = await startProcess({ pools: { web: [endpoint] } });
    dismiss(await crowd(plimsoll.port, 200, GET));
    await clientsAre(plimsoll, 0);
    const rssBefore = plimsoll.rssBytes();
    const deaf = await crowd(plimsoll.port, 200, "GET /huge HTTP/1.1\r\nHost: a\r\n\r\n");
    for (const socket of deaf) socket.pause();
    // Everything stands still once all buffers on the way are full.
    let last = -1;
    await waitUntil(async () => {
      const moved = produced !== last;
      last = produced;
      await sleep(300);
      return !moved && produced > 0;
    }, "the bodies to stand still");
    const bytesEach = (plimsoll.rssBytes() - rssBefore) / 200;
    t.diagnostic(`${Math.round(bytesEach)} bytes of resident memory per client that never reads`);
    t.diagnostic(`${Math.round(produced / 200)} bytes on the way per client, the kernel's buffers included`);
    assert.ok(bytesEach < 600_000, `${bytesEach} bytes each`);
    assert.equal((await exchangeOnce(plimsoll.port, GET)).text, "ok", "others are served meanwhile");
    dismiss(deaf);
    await clientsAre(plimsoll, 0);
    await waitUntil(() => endpoint.openConnections <= 1, "the endpoint to be let go");
  });

  test("heads that trickle in are cut in time, and others are served meanwhile", async () => {
    await using endpoint = await startEndpoint(answer("ok"));
    await using gateway = await startGateway({ pools: { web: [endpoint] } }, { limits: { headTimeMs: 600 } });
    const startedMs = Date.now();
    const slow = await Promise.all(Array.from({ length: 50 }, () => rawClient(gateway.port)));
    const trickle = slow.map((client) => client.send(GET.slice(0, -2), { bytePauseMs: 60 }));
    for (let i = 0; i < 5; i++) assert.equal((await exchangeOnce(gateway.port, GET)).text, "ok");
    for (const client of slow) {
      const refusal = await client.readResponse();
      assert.deepEqual([refusal.status, refusal.header("x-plimsoll-refusal")], [408, "head-timeout"]);
      assert.ok((await client.waitForClose()).bytes === 0);
      client.close();
    }
    const tookMs = Date.now() - startedMs;
    assert.ok(tookMs >= 600 && tookMs < 5_000, `took ${tookMs} ms`);
    await Promise.allSettled(trickle);
  });

  test("20,000 requests leave the heap as it was", async (t) => {
    const response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    const origin = createServer((socket) => {
      socket.on("error", () => undefined);
      // The gateway does not pipeline: what comes is one whole request.
      socket.on("data", () => socket.write(response));
    }).listen(0, "127.0.0.1");
    await once(origin, "listening");
    const { port } = origin.address() as AddressInfo;
    await using gateway = await startGateway({ pools: { web: [{ host: "127.0.0.1", port }] } });
    await blast(gateway.port, 6_000);
    const before = heapBytes();
    await blast(gateway.port, 20_000);
    const bytesEach = (heapBytes() - before) / 20_000;
    t.diagnostic(`${bytesEach.toFixed(1)} bytes of heap more per request`);
    assert.ok(bytesEach < 50, `${bytesEach} bytes each`);
    assert.equal((await adminPage(gateway.adminPort, "/readyz")).status, 200);
    origin.close();
  });
});

/** After a full collection. */
function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}

/** So many requests over eight connections, twenty at a time each, and counts their answers. */
async function blast(port: number, count: number): Promise<void> {
  const each = count / 8;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const socket = connect({ port, host: "127.0.0.1" });
      let answered = 0;
      let sent = 0;
      // The end of the last read, too short to hold a whole mark: it may be cut in two.
      let tail = "";
      const send = (): void => {
        socket.write(GET.repeat(20));
        sent += 20;
      };
      socket.setEncoding("latin1").on("data", (text: string) => {
        const seen = tail + text;
        answered += seen.split("HTTP/1.1 200").length - 1;
        tail = seen.slice(-("HTTP/1.1 200".length - 1));
        if (answered === sent && sent < each) send();
      });
      send();
      await waitUntil(
        () => answered >= each,
        () => `${each} answers, not ${answered}`,
        20_000,
      );
      socket.destroy();
    }),
  );
}
