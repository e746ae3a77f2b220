/**
 * WorkloadClass (plimsoll.dev/v1alpha1): what kind of work a request is, and how that kind is treated.
 *
 * Everything but the name may be left out: `base` names the built-in class whose profile and treatment fill the rest.
 * docs/workloads.md explains each field; defaults are filled in by translate/workload-classes.ts from model/workload.ts.
 */
import * as z from "zod";
import { PROFILES } from "../../model/balancing.ts";
import type { BalancingPolicy } from "../../model/policy.ts";
import type { WorkloadKind } from "../../model/workload.ts";
import { parseDurationMs } from "../../std/duration.ts";
import { BALANCING } from "./balancing.ts";
import {
  decimal,
  duration,
  integer,
  list,
  objectToRepeats,
  optionalList,
  raise,
  strict,
  text,
} from "./fields.ts";
import { valueMatch } from "./http-route-match.ts";
import { judgeWord } from "./known-names.ts";
import { labelSelector } from "./label-selector.ts";
import { manifest } from "./metadata.ts";
import { headerName, labelName, objectName, portName, sectionName } from "./names.ts";

const KINDS: readonly WorkloadKind[] = ["interactive", "streaming", "batch", "training"];

const QUANTITY = /^([0-9]{1,15})(k|M|G|T|Ki|Mi|Gi|Ti)?$/;
const UNIT_BYTES: Readonly<Record<string, number>> = {
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Bytes of a Kubernetes quantity without fraction; undefined where it is none, or beyond exact numbers. */
export function parseBytes(value: string): number | undefined {
  const [, digits, unit] = QUANTITY.exec(value) ?? [];
  if (digits === undefined) return undefined;
  const bytes = Number(digits) * (unit === undefined ? 1 : (UNIT_BYTES[unit] ?? 1));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

const bytes = text((value) =>
  parseBytes(value) === undefined
    ? { message: "not a size", expected: "a quantity of bytes such as 500k, 64Mi or 1G" }
    : undefined,
);

function oneWordOf(what: string, known: readonly string[]) {
  return text((value) => judgeWord(value, what, known, []));
}

const targetRef = strict({
  group: z.string().default(""),
  kind: z.string().default("Service"),
  name: labelName,
  sectionName: portName.optional(),
}).superRefine((ref, context) => {
  if (ref.group === "" && ref.kind === "Service") return;
  const kind = ref.group === "" ? ref.kind : `${ref.kind} (${ref.group})`;
  raise(context, ["kind"], `a target of kind ${kind} is not supported yet`, 'group "" and kind Service');
});

const contentType = text((value) =>
  /^[a-z0-9!#$&^_.+-]+\/(?:\*|[a-z0-9!#$&^_.+-]+)$/.test(value)
    ? undefined
    : { message: "not a content type", expected: "a lower-case type such as application/json or video/*" },
);

/** RFC 9110 section 9.1: any token, case-sensitive; those in use are upper case. */
const method = text((value) =>
  /^[A-Z]{1,32}$/.test(value)
    ? undefined
    : { message: "not a method", expected: "upper-case letters such as POST" },
);

const observed = strict({
  minDuration: duration(false).optional(),
  minStreamDuration: duration(false).optional(),
  minRequestBytes: bytes.optional(),
  minResponseBytes: bytes.optional(),
}).superRefine((value, context) => {
  if (Object.values(value).some((bound) => bound !== undefined)) return;
  raise(context, [], "nothing to observe is named", "at least one bound");
});

const match = strict({
  routes: list(strict({ name: objectName, sectionName: sectionName.optional() }), 64),
  headers: list(valueMatch(headerName, 4_096), 16).superRefine((items, context) => {
    objectToRepeats(context, items, (item) => item.name.toLowerCase(), "the header", "name");
  }),
  methods: list(method, 16),
  contentTypes: list(contentType, 64),
  observed: observed.optional(),
}).superRefine((value, context) => {
  const { routes, headers, methods, contentTypes } = value;
  const asked = routes.length + headers.length + methods.length + contentTypes.length;
  if (asked > 0 || value.observed !== undefined) return;
  raise(context, [], "the match asks for nothing", "routes, headers, methods, contentTypes or observed");
});

const treatment = strict({
  endpointSelector: labelSelector.optional(),
  policy: oneWordOf("balancing policy", BALANCING satisfies readonly BalancingPolicy[]).optional(),
  priority: integer(0, 100).optional(),
  weight: integer(1, 10_000).optional(),
  maxConcurrencyPercent: decimal(0.1, 100).optional(),
  queue: strict({
    maxLength: integer(0, 100_000).optional(),
    maxWait: duration(false).optional(),
    overload: z.enum(["NewestFirst", "InOrder"]).optional(),
  }).optional(),
  timeouts: strict({
    request: duration(true).optional(),
    perTry: duration(true).optional(),
  })
    .superRefine(({ request, perTry }, context) => {
      const requestMs = parseDurationMs(request ?? "") ?? 0;
      const perTryMs = parseDurationMs(perTry ?? "") ?? 0;
      if (requestMs > 0 && perTryMs > requestMs) {
        raise(context, ["perTry"], "longer than the whole request", "at most request");
      }
    })
    .optional(),
  retries: z.boolean().optional(),
  hedging: z.boolean().optional(),
  sheddingOrder: integer(0, 100).optional(),
});

export const workloadClassSchema = manifest(
  objectName,
  strict({
    base: oneWordOf("base class", KINDS).optional(),
    profile: oneWordOf("profile", PROFILES).optional(),
    targetRefs: optionalList(targetRef, 16),
    match: list(match, 64),
    tenantHeader: headerName.optional(),
    treatment: treatment.optional(),
  }),
);
