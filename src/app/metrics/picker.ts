/**
 * What is counted about the endpoint picker itself; its requests are in the traffic metrics, as all are.
 */
import type { Counter, Histogram, Labels, Registry } from "./registry.ts";

/** Seconds. From a tenth of a millisecond, which is about what a short prompt costs, to a wait for one's turn. */
const DECISION_BOUNDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30,
];

export class PickerMetrics {
  readonly streams: Counter;
  readonly decision: Histogram;
  readonly #faults: (labels: Labels) => Counter;

  constructor(registry: Registry) {
    this.streams = registry.counter(
      "plimsoll_picker_streams_total",
      [],
      "Streams of gateways: one for each of their requests.",
    )({});
    this.decision = registry.histogram(
      "plimsoll_picker_decision_seconds",
      [],
      "From the message that completes a request to the reply that says where it goes, waiting for its turn included.",
      DECISION_BOUNDS,
    )({});
    this.#faults = registry.counter(
      "plimsoll_picker_faults_total",
      ["fault"],
      "Breaches of protocol on the picker's ports, by name; docs/picker.md has the names.",
    );
  }

  /** `fault`: from a closed list. */
  fault(fault: string): void {
    this.#faults({ fault }).add();
  }
}
