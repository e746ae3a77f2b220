/** GatewayClass (gateway.networking.k8s.io): which controller a Gateway asks for. */
import * as z from "zod";
import { sized, strict } from "./fields.ts";
import { manifest } from "./metadata.ts";
import { objectName } from "./names.ts";

export const gatewayClassSchema = manifest(
  objectName,
  strict({
    controllerName: sized(1, 253),
    description: sized(0, 64).optional(),
    /** Judged after ownership is known: another controller's parameters are none of our business. */
    parametersRef: z.unknown().optional(),
  }),
);
