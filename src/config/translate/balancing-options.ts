/**
 * `spec.balancing` in the model's words, defaults from model/balancing.ts filled in. Undefined: all of them defaults.
 */
import {
  BOUNDED_LOAD_PERCENT,
  DEFAULT_BALANCING_OPTIONS,
  MAGLEV_SIZE,
  PROBES_PER_REQUEST,
  RESOURCE_PROFILES,
  RESOURCES,
  RING_SIZE_MAX,
  RING_SIZE_MIN,
} from "../../model/balancing.ts";
import type {
  BalancingOptions,
  HashKey,
  HashPolicy,
  PrequalPolicy,
  ResourcePolicy,
} from "../../model/balancing.ts";
import type { BalancingManifest } from "../schema/balancing.ts";

export function balancingOptionsOf(spec: BalancingManifest | undefined): BalancingOptions | undefined {
  if (spec === undefined) return undefined;
  const { consistentHash, resourceAware, prequal, zones } = spec;
  const said = [consistentHash, resourceAware, prequal, zones?.prefer];
  if (said.every((part) => part === undefined)) return undefined;
  const defaults = DEFAULT_BALANCING_OPTIONS;
  // A key should have one endpoint whichever zone asks: there the zone matters only if it is said to.
  const prefer = zones?.prefer ?? (consistentHash === undefined ? "Local" : "None");
  return {
    hash: consistentHash === undefined ? undefined : hashOf(consistentHash),
    resource: resourceAware === undefined ? defaults.resource : resourceOf(resourceAware),
    prequal: prequal === undefined ? defaults.prequal : prequalOf(prequal),
    zones: { prefer: prefer === "Local" ? "local" : "none" },
  };
}

function prequalOf({ probe, probesPerRequest }: NonNullable<BalancingManifest["prequal"]>): PrequalPolicy {
  return {
    probesPerRequest: probesPerRequest ?? PROBES_PER_REQUEST,
    probe: { path: probe.path, port: probe.port },
  };
}

type HashManifest = NonNullable<BalancingManifest["consistentHash"]>;

function hashOf(hash: HashManifest): HashPolicy {
  const { minimumRingSize: sizeMin = RING_SIZE_MIN } = hash;
  return {
    key: keyOf(hash),
    table:
      hash.algorithm === "Ring"
        ? { kind: "ring", sizeMin, sizeMax: hash.maximumRingSize ?? Math.max(sizeMin, RING_SIZE_MAX) }
        : { kind: "maglev", size: hash.tableSize ?? MAGLEV_SIZE },
    boundedLoadPercent: hash.boundedLoadFactor ?? BOUNDED_LOAD_PERCENT,
  };
}

function keyOf(hash: HashManifest): HashKey {
  if (hash.header !== undefined) return { kind: "header", name: hash.header.toLowerCase() };
  if (hash.cookie !== undefined) return { kind: "cookie", name: hash.cookie };
  return { kind: hash.sourceIp === undefined ? "path" : "source-ip" };
}

function resourceOf(spec: NonNullable<BalancingManifest["resourceAware"]>): ResourcePolicy {
  const preset = RESOURCE_PROFILES[spec.profile ?? "balanced"];
  const given = spec.resources;
  const combine = spec.combine === undefined ? preset.combine : spec.combine === "Max" ? "max" : "mean";
  return {
    formula: spec.formula === "SourceText" ? "source-text" : "throughput",
    resources:
      given === undefined
        ? preset.resources
        : (Object.fromEntries(
            RESOURCES.map((name) => [name, given[name] ?? 0]),
          ) as unknown as ResourcePolicy["resources"]),
    combine,
  };
}
