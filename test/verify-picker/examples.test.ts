/**
 * The manifests of examples/picker fit together: routes lead to the pool, the pool to the picker's Service, the Service to its port, and our
 * own loader takes the pool without a complaint.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseAllDocuments, stringify } from "yaml";
import { buildProgram } from "../../src/cli/program.ts";
import { compile } from "../../src/config/compile.ts";
import { formatProblem } from "../../src/config/format-problem.ts";
import { loadManifests } from "../../src/config/load.ts";

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: unknown;
}

interface PoolSpec {
  readonly endpointPickerRef: { readonly name: string; readonly port: { readonly number: number } };
}
interface RouteSpec {
  readonly parentRefs: readonly { readonly name: string }[];
  readonly rules: readonly {
    readonly backendRefs: readonly { readonly kind: string; readonly name: string }[];
  }[];
}
interface ServiceSpec {
  readonly ports: readonly { readonly port: number }[];
}
interface DeploymentSpec {
  readonly template: { readonly spec: { readonly containers: readonly Container[] } };
}
interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly containerPort: number }[];
}

const EXAMPLES = join(import.meta.dirname, "../../examples/picker");

function manifestsOf(name: string): readonly Manifest[] {
  return parseAllDocuments(readFileSync(join(EXAMPLES, name), "utf8")).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS() as Manifest;
  });
}

function one(manifests: readonly Manifest[], kind: string): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind);
  assert.equal(found.length, 1, `${found.length} of kind ${kind}`);
  return found[0]!;
}

const picker = manifestsOf("picker.yaml");
const pool = one(picker, "InferencePool");
const poolPicker = (pool.spec as PoolSpec).endpointPickerRef;

test("the pool leads to the picker's Service, and that to the port on which it is told to answer", () => {
  const service = one(picker, "Service");
  const { ports: servicePorts } = service.spec as ServiceSpec;
  const { template } = one(picker, "Deployment").spec as DeploymentSpec;
  const { args = [], ports = [] } = template.spec.containers.find(({ name }) => name === "picker")!;
  const { number } = poolPicker.port;
  assert.equal(poolPicker.name, service.metadata.name);
  assert.deepEqual(
    servicePorts.map(({ port }) => port),
    [number],
  );
  assert.ok(args.includes(`--ext-proc=:${number}`));
  assert.ok(ports.some(({ containerPort }) => containerPort === number));
  const flags = buildProgram(() => undefined).commands.find((command) => command.name() === "serve")!.options;
  for (const arg of args.slice(1)) {
    assert.ok(
      flags.some(({ long }) => long === arg.split("=")[0]),
      `serve has no flag ${arg}`,
    );
  }
});

for (const name of ["envoy-gateway.yaml", "istio.yaml", "kgateway.yaml"]) {
  test(`${name}: its route leads to the pool, its gateway is of the class it names`, () => {
    const manifests = manifestsOf(name);
    const gateway = one(manifests, "Gateway");
    const spec = one(manifests, "HTTPRoute").spec as RouteSpec;
    assert.deepEqual(
      spec.parentRefs.map((ref) => ref.name),
      [gateway.metadata.name],
    );
    assert.deepEqual(
      spec.rules.flatMap(({ backendRefs }) => backendRefs).map((ref) => [ref.kind, ref.name]),
      [["InferencePool", pool.metadata.name]],
    );
  });
}

test("istio trusts the Service that the pool names", () => {
  const { spec } = one(manifestsOf("istio.yaml"), "DestinationRule");
  assert.equal((spec as { readonly host: string }).host, `${poolPicker.name}.default.svc.cluster.local`);
});

test("what the second container writes down is what the picker needs: the pool and its Pods as kubectl prints them", () => {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "model-0", namespace: "default", labels: { app: "model" }, resourceVersion: "7" },
    status: { phase: "Running", podIP: "10.0.0.7", conditions: [{ type: "Ready", status: "True" }] },
  };
  const items = [picker.find(({ kind }) => kind === "InferencePool"), pod];
  const text = stringify({ apiVersion: "v1", kind: "List", metadata: { resourceVersion: "" }, items });
  const { resources, problems } = loadManifests([{ path: "cluster.yaml", text }]);
  const { config, problems: more } = compile(resources, { picksForOthers: true });
  assert.deepEqual([...problems, ...more].map(formatProblem), []);
  assert.deepEqual(
    config.pools.map(({ key, endpoints }) => [
      key,
      endpoints.map(({ address, port }) => `${address}:${port}`),
    ]),
    [["default/model", ["10.0.0.7:8000"]]],
  );
});
