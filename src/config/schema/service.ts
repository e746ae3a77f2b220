/**
 * Service (v1): read for its ports; the endpoints come from EndpointSlices.
 *
 * All other fields that Kubernetes has are accepted and not acted on: they speak to kube-proxy, or to whoever
 * provides the load balancer in front. An unknown field is still a problem, since it is a slip of the hand.
 */
import * as z from "zod";
import { integer, objectToRepeats, strict } from "./fields.ts";
import { manifest } from "./metadata.ts";
import { labelName, portName } from "./names.ts";

export const transportProtocol = z.enum(["TCP", "UDP", "SCTP"]);

const ignored = z.unknown().optional();

const port = strict({
  name: portName.optional(),
  port: integer(1, 65_535),
  protocol: transportProtocol.default("TCP"),
  appProtocol: z.string().optional(),
  targetPort: ignored,
  nodePort: ignored,
});

export const serviceSchema = manifest(
  labelName,
  strict({
    ports: z
      .array(port)
      .superRefine((items, context) => {
        objectToRepeats(context, items, (item) => item.name ?? "", "the port name");
        objectToRepeats(context, items, (item) => `${item.port}/${item.protocol}`, "the port");
      })
      .default([]),
    type: z.enum(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]).default("ClusterIP"),
    ipFamilies: z.array(z.enum(["IPv4", "IPv6"])).optional(),
    selector: z.record(z.string(), z.string()).optional(),
    allocateLoadBalancerNodePorts: ignored,
    clusterIP: ignored,
    clusterIPs: ignored,
    externalIPs: ignored,
    externalName: ignored,
    externalTrafficPolicy: ignored,
    healthCheckNodePort: ignored,
    internalTrafficPolicy: ignored,
    ipFamily: ignored,
    ipFamilyPolicy: ignored,
    loadBalancerClass: ignored,
    loadBalancerIP: ignored,
    loadBalancerSourceRanges: ignored,
    publishNotReadyAddresses: ignored,
    sessionAffinity: ignored,
    sessionAffinityConfig: ignored,
    topologyKeys: ignored,
    trafficDistribution: ignored,
  }),
);
