/** The demo's manifests: without a problem, and with the endpoints that there are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile } from "../../../config/compile.ts";
import { loadManifests } from "../../../config/load.ts";
import { endpointKey } from "../../../model/endpoint.ts";
import { ENGINES, FLEETS } from "./fleets.ts";
import { manifestsOf } from "./manifests.ts";

test("two pools, each with its engines, and a listener for each", () => {
  const loaded = loadManifests([{ path: "demo.yaml", text: manifestsOf(FLEETS) }]);
  const { config, problems } = compile(loaded.resources);
  assert.deepEqual([...loaded.problems, ...problems], []);
  assert.deepEqual(
    config.listeners.map(({ port }) => port),
    FLEETS.map(({ gatewayPort }) => gatewayPort),
  );
  assert.deepEqual(
    config.pools.map(({ key, endpoints }) => [
      key,
      endpoints.map(({ address, port }) => endpointKey(address, port)).toSorted(),
    ]),
    FLEETS.map(({ pool, enginePorts }) => [
      `default/${pool}`,
      enginePorts.map((port) => `127.0.0.1:${port}`),
    ]),
  );
});

test("no port is used twice", () => {
  const ports = FLEETS.flatMap(({ gatewayPort, enginePorts, eventPorts }) => [
    gatewayPort,
    ...enginePorts,
    ...(eventPorts === undefined
      ? []
      : Array.from({ length: ENGINES }, (_, index) => [eventPorts.publish + index, eventPorts.replay + index])
    ).flat(),
  ]);
  assert.equal(new Set(ports).size, ports.length);
});
