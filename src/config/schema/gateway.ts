/**
 * Gateway (gateway.networking.k8s.io): ports and hostnames to listen on, and whose routes may attach.
 *
 * Fields that Plimsoll does not act on are accepted here without a look: whether they matter depends on whose Gateway
 * it is, which only translation knows (translate/unsupported.ts).
 */
import * as z from "zod";
import { integer, list, raise, objectToRepeats, optionalList, pattern, sized, strict } from "./fields.ts";
import { labelSelector } from "./label-selector.ts";
import { manifest } from "./metadata.ts";
import { hostname, objectName, sectionName } from "./names.ts";

const protocol = pattern(
  /^(?:HTTP|HTTPS|TLS|TCP|UDP|[a-z0-9.-]+\/[A-Za-z0-9]+)$/,
  255,
  "not a protocol",
  "HTTP, HTTPS, TLS, TCP, UDP or a domain-prefixed name",
);

const allowedRoutes = strict({
  namespaces: strict({
    from: z.enum(["Same", "All", "Selector"]).default("Same"),
    selector: labelSelector.optional(),
  })
    .superRefine((value, context) => {
      if (value.from !== "Selector" || value.selector !== undefined) return;
      raise(context, ["selector"], "from: Selector needs a selector", "matchLabels or matchExpressions");
    })
    .default({ from: "Same" }),
  kinds: list(strict({ group: z.string().default("gateway.networking.k8s.io"), kind: sized(1, 63) }), 8),
});

const listener = strict({
  name: sectionName,
  hostname: hostname.optional(),
  port: integer(1, 65_535),
  protocol,
  tls: z.unknown().optional(),
  allowedRoutes: allowedRoutes.default({ namespaces: { from: "Same" }, kinds: [] }),
});

const listeners = z.array(listener).superRefine((items, context) => {
  if (items.length === 0) raise(context, [], "a Gateway needs a listener", "1 to 64 listeners");
  if (items.length > 64) raise(context, [], "the list is too long", "at most 64 listeners");
  objectToRepeats(context, items, (item) => item.name, "the listener name", "name");
  objectToRepeats(
    context,
    items,
    (item) => `${item.port} ${item.protocol} ${item.hostname ?? "*"}`,
    "the combination of port, protocol and hostname",
  );
});

export const gatewaySchema = manifest(
  objectName,
  strict({
    gatewayClassName: objectName,
    listeners,
    addresses: optionalList(z.unknown(), 16),
    infrastructure: z.unknown().optional(),
    allowedListeners: z.unknown().optional(),
    tls: z.unknown().optional(),
    defaultScope: z.unknown().optional(),
  }),
);
