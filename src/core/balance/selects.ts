/**
 * Whether an endpoint may serve a class of work: all requirements of its selector hold for the endpoint's labels.
 *
 * As a Kubernetes label selector: `not-in` holds where the label is absent; no requirement selects everything.
 */
import type { Endpoint } from "../../model/endpoint.ts";
import type { LabelRequirement } from "../../model/workload.ts";

const NO_LABELS: Readonly<Record<string, string>> = {};

export function selectsEndpoint(requirements: readonly LabelRequirement[], endpoint: Endpoint): boolean {
  const labels = endpoint.labels ?? NO_LABELS;
  return requirements.every(({ key, operator, values }) => {
    const label = Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case "in":
        return label !== undefined && values.includes(label);
      case "not-in":
        return label === undefined || !values.includes(label);
      case "exists":
        return label !== undefined;
      case "absent":
        return label === undefined;
    }
  });
}
