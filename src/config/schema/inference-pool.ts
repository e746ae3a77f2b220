/**
 * InferencePool (inference.networking.k8s.io/v1): the Pods that serve models, and their ports.
 *
 * The two older shapes are read too and come out as v1: v1alpha2 has a flat selector, one targetPortNumber and an extensionRef;
 * v1alpha1 is the same but for the name of one field. Both required an extensionRef, which is not asked for here: this
 * gateway picks for itself.
 */
import * as z from "zod";
import { integer, objectToRepeats, pattern, raise, sized, strict } from "./fields.ts";
import { manifest } from "./metadata.ts";
import { objectName } from "./names.ts";

const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const LABEL_KEY =
  /^(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** No selector that asks nothing: it would take every Pod of the namespace for a model server. */
const matchLabels = z.record(z.string(), z.string()).superRefine((labels, context) => {
  const entries = Object.entries(labels);
  if (entries.length === 0) raise(context, [], "the selector selects nothing", "1 to 64 labels");
  if (entries.length > 64) raise(context, [], "the selector has too many labels", "at most 64 labels");
  for (const [key, value] of entries) {
    if (key.length > 253 || !LABEL_KEY.test(key)) {
      raise(context, [key], "not a label's name", "a name such as app or example.com/app", `"${key}"`);
    }
    if (!LABEL_VALUE.test(value)) {
      raise(context, [key], "not a label's value", "at most 63 letters, digits, '-', '_' and '.'");
    }
  }
});

const portNumber = integer(1, 65_535);

const targetPorts = z.array(strict({ number: portNumber })).superRefine((ports, context) => {
  if (ports.length === 0) raise(context, [], "a pool needs a port", "1 to 8 ports");
  if (ports.length > 8) raise(context, [], "the list is too long", "at most 8 ports");
  objectToRepeats(context, ports, ({ number }) => String(number), "the port", "number");
});

const failureMode = z.enum(["FailOpen", "FailClose"]).default("FailClose");
const refGroup = pattern(/^[-a-z0-9.]*$/, 253, "not a group", "a DNS name, or nothing for the core group");

const endpointPickerRef = strict({
  group: refGroup.default(""),
  kind: sized(1, 63).default("Service"),
  name: objectName,
  port: strict({ number: portNumber }).optional(),
  failureMode,
}).superRefine((ref, context) => {
  if (ref.kind !== "Service" || ref.port !== undefined) return;
  raise(context, ["port"], "a reference to a Service needs a port", "port: { number: 9002 } or another");
});

const appProtocol = z.enum(["http", "kubernetes.io/h2c"]).default("http");

export const inferencePoolSchema = manifest(
  objectName,
  strict({
    selector: strict({ matchLabels }),
    targetPorts,
    appProtocol,
    endpointPickerRef: endpointPickerRef.optional(),
  }),
);

type InferencePool = z.infer<typeof inferencePoolSchema>;

/** What an extensionRef without a port means. */
const PICKER_PORT = 9_002;

const olderRef = {
  group: refGroup.default(""),
  kind: sized(1, 63).default("Service"),
  name: objectName,
  failureMode,
};

interface OlderRef {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly failureMode: "FailOpen" | "FailClose";
}

function newerRef(ref: OlderRef, port: number | undefined): InferencePool["spec"]["endpointPickerRef"] {
  const { group, kind, name, failureMode: mode } = ref;
  const isService = kind === "Service";
  return {
    group,
    kind,
    name,
    failureMode: mode,
    ...(isService || port !== undefined ? { port: { number: port ?? PICKER_PORT } } : {}),
  };
}

export const inferencePoolV1alpha2Schema = manifest(
  objectName,
  strict({
    selector: matchLabels,
    targetPortNumber: portNumber,
    extensionRef: strict({ ...olderRef, portNumber: portNumber.optional() }).optional(),
  }),
).transform(({ spec, ...frame }): InferencePool => {
  const { selector, targetPortNumber, extensionRef } = spec;
  return {
    ...frame,
    spec: {
      ...newerSpec(selector, targetPortNumber),
      ...(extensionRef && { endpointPickerRef: newerRef(extensionRef, extensionRef.portNumber) }),
    },
  };
});

export const inferencePoolV1alpha1Schema = manifest(
  objectName,
  strict({
    selector: matchLabels,
    targetPortNumber: portNumber,
    extensionRef: strict({ ...olderRef, targetPortNumber: portNumber.optional() }).optional(),
  }),
).transform(({ spec, ...frame }): InferencePool => {
  const { selector, targetPortNumber, extensionRef } = spec;
  return {
    ...frame,
    spec: {
      ...newerSpec(selector, targetPortNumber),
      ...(extensionRef && { endpointPickerRef: newerRef(extensionRef, extensionRef.targetPortNumber) }),
    },
  };
});

function newerSpec(labels: Readonly<Record<string, string>>, port: number) {
  return { selector: { matchLabels: labels }, targetPorts: [{ number: port }], appProtocol: "http" as const };
}

/** The spec as v1 has it, in YAML's short form: what the author of an older one may write instead. */
export function inV1({ spec }: InferencePool): string {
  const labels = Object.entries(spec.selector.matchLabels).map(([key, value]) => `${key}: ${scalar(value)}`);
  const ports = spec.targetPorts.map(({ number }) => `{ number: ${number} }`);
  const ref = spec.endpointPickerRef;
  const picker = ref && [
    ...(ref.group === "" ? [] : [`group: ${ref.group}`]),
    ...(ref.kind === "Service" ? [] : [`kind: ${ref.kind}`]),
    `name: ${ref.name}`,
    ...(ref.port === undefined ? [] : [`port: { number: ${ref.port.number} }`]),
    ...(ref.failureMode === "FailClose" ? [] : [`failureMode: ${ref.failureMode}`]),
  ];
  const fields = [
    `selector: { matchLabels: { ${labels.join(", ")} } }`,
    `targetPorts: [${ports.join(", ")}]`,
    ...(picker === undefined ? [] : [`endpointPickerRef: { ${picker.join(", ")} }`]),
  ];
  return `spec: { ${fields.join(", ")} }`;
}

/** Quoted where YAML would read something other than a text. */
function scalar(value: string): string {
  return /^[A-Za-z][-A-Za-z0-9_.]*$/.test(value) && !/^(?:true|false|null|yes|no|on|off)$/i.test(value)
    ? value
    : `"${value}"`;
}
