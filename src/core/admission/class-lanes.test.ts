/** From classes of work to the lanes they ask for. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RESOURCE_PROFILES } from "../../model/balancing.ts";
import { BUILT_IN_CLASSES, type WorkloadClass } from "../../model/workload.ts";
import { classLanes } from "./class-lanes.ts";

const [interactive] = BUILT_IN_CLASSES as readonly [WorkloadClass];
const spot = [{ key: "tier", operator: "in", values: ["spot"] }] as const;

function declared(name: string, treatment: Partial<WorkloadClass["treatment"]>): WorkloadClass {
  return { ...interactive, name, treatment: { ...interactive.treatment, ...treatment } };
}

describe("class lanes", () => {
  it("give the built-in classes the whole pool", () => {
    const { lanes, laneOf } = classLanes({ balancing: "ResourceAware" }, BUILT_IN_CLASSES);
    assert.deepEqual(lanes, []);
    assert.deepEqual(laneOf, [0, 0, 0, 0]);
  });

  it("are made for a selector and for a policy, and shared by classes that ask for the same", () => {
    const classes = [
      declared("a/spot", { endpointSelector: spot }),
      declared("a/plain", {}),
      declared("a/also-spot", { endpointSelector: spot }),
      declared("a/turns", { policy: "RoundRobin" }),
      ...BUILT_IN_CLASSES,
    ];
    const { lanes, laneOf } = classLanes({ balancing: "PeakEwma" }, classes);
    assert.deepEqual(laneOf, [1, 0, 1, 2, 0, 0, 0, 0]);
    assert.deepEqual(
      lanes.map(({ endpointSelector, balancing }) => [endpointSelector, balancing]),
      [
        [spot, "PeakEwma"],
        [[], "RoundRobin"],
      ],
    );
  });

  it("weigh the class's resources where the policy goes by resources, and nowhere else", () => {
    const gpu: WorkloadClass = { ...declared("a/gpu", {}), profile: "gpu" };
    const aware = classLanes({ balancing: "ResourceAware" }, [gpu]);
    assert.deepEqual(aware.laneOf, [1]);
    assert.deepEqual(aware.lanes[0]!.balancingOptions?.resource.resources, RESOURCE_PROFILES.gpu.resources);
    assert.deepEqual(classLanes({ balancing: "LeastRequest" }, [gpu]).laneOf, [0]);
  });
});
