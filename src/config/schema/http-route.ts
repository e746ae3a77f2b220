/**
 * HTTPRoute (gateway.networking.k8s.io): hostnames, rules and the Services they lead to, within the standard's limits.
 *
 * Filters, retries and session persistence are accepted here without a look; translate/unsupported.ts objects to them
 * where the route is ours to serve.
 */
import * as z from "zod";
import { parseDurationMs } from "../../std/duration.ts";
import { duration, integer, list, raise, objectToRepeats, optionalList, sized, strict } from "./fields.ts";
import { routeMatch } from "./http-route-match.ts";
import { manifest } from "./metadata.ts";
import { hostname, namespaceName, objectName, sectionName } from "./names.ts";

/** The whole route may hold this many matches, over all its rules. */
const ROUTE_MATCHES_MAX = 128;

const parentRef = strict({
  group: z.string().default("gateway.networking.k8s.io"),
  kind: sized(1, 63).default("Gateway"),
  namespace: namespaceName.optional(),
  name: objectName,
  sectionName: sectionName.optional(),
  port: integer(1, 65_535).optional(),
});

export type ParentRef = z.infer<typeof parentRef>;

const backendRef = strict({
  group: z.string().default(""),
  kind: sized(1, 63).default("Service"),
  namespace: namespaceName.optional(),
  name: objectName,
  port: integer(1, 65_535).optional(),
  weight: integer(0, 1_000_000).default(1),
  filters: optionalList(z.unknown(), 16),
}).superRefine((ref, context) => {
  if (ref.group !== "" || ref.kind !== "Service" || ref.port !== undefined) return;
  raise(context, ["port"], "a reference to a Service needs a port", "a whole number from 1 to 65535");
});

export type BackendRef = z.infer<typeof backendRef>;

const timeouts = strict({
  request: duration(true).optional(),
  backendRequest: duration(true).optional(),
}).superRefine((value, context) => {
  const requestMs = parseDurationMs(value.request ?? "0s") ?? 0;
  const backendRequestMs = parseDurationMs(value.backendRequest ?? "0s") ?? 0;
  if (requestMs === 0 || backendRequestMs <= requestMs) return;
  raise(context, ["backendRequest"], "longer than timeouts.request", `at most ${value.request}`);
});

const rule = strict({
  name: sectionName.optional(),
  matches: list(routeMatch, 64),
  filters: optionalList(z.unknown(), 16),
  backendRefs: list(backendRef, 16),
  timeouts: timeouts.optional(),
  retry: z.unknown().optional(),
  sessionPersistence: z.unknown().optional(),
});

export type HttpRouteRule = z.infer<typeof rule>;

/** Everything that makes two references differ. */
function parentRefText(ref: ParentRef): string {
  const parent = `${ref.group}/${ref.kind} ${ref.namespace === undefined ? "" : `${ref.namespace}/`}${ref.name}`;
  const section = ref.sectionName === undefined ? "" : `, section ${ref.sectionName}`;
  return `${parent}${section}${ref.port === undefined ? "" : `, port ${ref.port}`}`;
}

const parentRefs = list(parentRef, 32).superRefine((refs, context) => {
  objectToRepeats(context, refs, parentRefText, "the parent reference");
});

const rules = z
  .array(rule)
  .superRefine((items, context) => {
    if (items.length === 0) raise(context, [], "a list of rules needs a rule", "1 to 16 rules");
    if (items.length > 16) raise(context, [], "the list is too long", "at most 16 rules");
    const matches = items.reduce((sum, item) => sum + item.matches.length, 0);
    if (matches > ROUTE_MATCHES_MAX) {
      raise(context, [], `the route has ${matches} matches`, `at most ${ROUTE_MATCHES_MAX} over all rules`);
    }
    objectToRepeats(context, items, (item) => item.name, "the rule name", "name");
  })
  .default([{ matches: [], backendRefs: [] }]);

export const httpRouteSchema = manifest(
  objectName,
  strict({
    parentRefs,
    hostnames: list(hostname, 16),
    rules,
    useDefaultGateways: z.unknown().optional(),
  }),
);
