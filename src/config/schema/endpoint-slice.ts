/** EndpointSlice (discovery.k8s.io/v1): the addresses behind a Service, their conditions, zones and ports. */
import * as z from "zod";
import { integer, list, raise, strict } from "./fields.ts";
import { metadata } from "./metadata.ts";
import { isIpv4, isIpv6, objectName, portName } from "./names.ts";
import { transportProtocol } from "./service.ts";

const ignored = z.unknown().optional();

const endpoint = strict({
  addresses: z.array(z.string()),
  conditions: strict({
    ready: z.boolean().optional(),
    serving: z.boolean().optional(),
    terminating: z.boolean().optional(),
  }).default({}),
  hostname: z.string().optional(),
  nodeName: z.string().optional(),
  zone: z.string().optional(),
  targetRef: strict({
    apiVersion: z.string().optional(),
    kind: z.string().optional(),
    namespace: z.string().optional(),
    name: z.string().optional(),
    uid: z.string().optional(),
    resourceVersion: z.string().optional(),
    fieldPath: z.string().optional(),
  }).optional(),
  deprecatedTopology: ignored,
  hints: ignored,
});

const port = strict({
  name: portName.default(""),
  /** Absent means all ports, which no HTTP client can use: such an entry is passed over. */
  port: integer(1, 65_535).optional(),
  protocol: transportProtocol.default("TCP"),
  appProtocol: z.string().optional(),
});

/** The API server's own limits: 1000 endpoints, 100 ports and 100 addresses. */
export const endpointSliceSchema = strict({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: metadata(objectName),
  addressType: z.enum(["IPv4", "IPv6", "FQDN"]),
  endpoints: list(endpoint, 1_000),
  ports: list(port, 100),
}).superRefine((slice, context) => {
  for (const [index, { addresses }] of slice.endpoints.entries()) {
    const path = ["endpoints", index, "addresses"];
    if (addresses.length === 0) raise(context, path, "an endpoint needs an address", "1 to 100 addresses");
    if (addresses.length > 100) raise(context, path, "the list is too long", "at most 100 addresses");
    for (const [at, address] of addresses.entries()) {
      if (slice.addressType === "IPv4" && !isIpv4(address)) {
        raise(context, [...path, at], "not an IPv4 address", "a dotted quad such as 10.0.0.1");
      }
      if (slice.addressType === "IPv6" && !isIpv6(address)) {
        raise(context, [...path, at], "not an IPv6 address", "an address such as 2001:db8::1");
      }
    }
  }
});
