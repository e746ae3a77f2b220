/**
 * Ten thousand requests held at one time, through a real Envoy and the picker: all decided, all answered, memory given back.
 *
 * Memory of the picker and of Envoy is read from /proc (Linux). The bound is per request: what a stream may cost while it is held.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { waitUntil, within } from "../kit/wait.ts";
import { chatText } from "./chat-client.ts";
import { quietPort } from "../gateway/life/process.ts";
import { NO_ENVOY, startEnvoy } from "./envoy.ts";
import { sendRequests, startHoldingEndpoint } from "./held-streams.ts";
import { startPicker } from "./picker.ts";

const STREAMS = 10_000;
/** Each is given at most 1000 requests at a time, which is the default limit of an endpoint. */
const HOSTS = Array.from({ length: 16 }, (_, index) => `127.0.0.${index + 1}`);
const LIMIT_MS = 120_000;
/** A stream of Node's HTTP/2 with its call, its head and its claim; a prompt of 400 bytes is nothing beside it. */
const PICKER_BYTES_PER_STREAM = 60_000;

test(
  `${STREAMS} requests are held at a time, with bounded memory`,
  { skip: NO_ENVOY, timeout: 300_000 },
  async (t) => {
    const port = await quietPort();
    const endpoints = await Promise.all(HOSTS.map((host) => startHoldingEndpoint(host, port)));
    t.after(() => Promise.all(endpoints.map((endpoint) => endpoint.close())));
    await using picker = await startPicker({ ports: [port], hosts: HOSTS });
    await using envoy = await startEnvoy({
      pickerPort: picker.port,
      modelServers: (cluster) => ({
        ...cluster,
        typed_extension_protocol_options: {
          "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            explicit_http_config: { http2_protocol_options: { max_concurrent_streams: 2000 } },
          },
        },
      }),
    });
    const held = (): number => endpoints.reduce((sum, endpoint) => sum + endpoint.held(), 0);
    const beforeBytes = picker.rssBytes();
    const requests = sendRequests(envoy.port, STREAMS, () => chatText(400, false));
    t.after(() => requests.close());
    await waitUntil(
      () => held() === STREAMS || requests.answered() > 0,
      () => `${STREAMS} held, but ${held()}, and ${requests.answered()} answered`,
      LIMIT_MS,
    );
    assert.equal(requests.answered(), 0, "nobody is refused or cut");
    const heldBytes = picker.rssBytes() - beforeBytes;
    assert.equal(await envoy.stat("cluster.picker.upstream_rq_active"), STREAMS);
    for (const endpoint of endpoints) {
      const fairShare = STREAMS / HOSTS.length;
      assert.ok(
        endpoint.held() > fairShare / 2,
        `${endpoint.held()} at one endpoint, where even were ${fairShare}`,
      );
    }
    for (const endpoint of endpoints) endpoint.release();
    const statuses = await within(requests.statuses, "the answers", LIMIT_MS);
    assert.deepEqual(
      statuses.filter((status) => status !== 200),
      [],
    );
    await waitUntil(
      async () => (await envoy.stat("cluster.picker.upstream_rq_active")) === 0,
      "every stream to the picker to be over",
      LIMIT_MS,
    );
    t.diagnostic(`the picker held ${Math.round(heldBytes / STREAMS)} bytes a request`);
    assert.ok(
      heldBytes < STREAMS * PICKER_BYTES_PER_STREAM,
      `${Math.round(heldBytes / STREAMS)} bytes a request`,
    );
  },
);
