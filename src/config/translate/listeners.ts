/**
 * The listeners of our Gateways, and which of them can be served.
 *
 * A listener falls out where its protocol is not one we speak, or where another listener claims the same port and
 * hostname: the Gateway API lets no one win a conflict, so both stay out.
 */
import type { Problem } from "../../model/problem.ts";
import type { Resource } from "../resources.ts";
import { problemIn } from "./report.ts";

export type ListenerFault =
  | { readonly kind: "unsupported-protocol"; readonly message: string }
  | { readonly kind: "conflict"; readonly message: string };

export interface OwnListener {
  readonly gateway: Resource<"Gateway">;
  /** Position in the Gateway's list. */
  readonly index: number;
  readonly body: Resource<"Gateway">["body"]["spec"]["listeners"][number];
  /** `namespace/gateway/listener`. */
  readonly name: string;
  /** `*` where the listener names none. */
  readonly hostname: string;
  readonly fault: ListenerFault | undefined;
}

export function ownListeners(
  gateways: readonly Resource<"Gateway">[],
  problems: Problem[],
): readonly OwnListener[] {
  const all = gateways.flatMap((gateway) =>
    gateway.body.spec.listeners.map((body, index): OwnListener => {
      const name = `${gateway.namespace}/${gateway.name}/${body.name}`;
      return {
        gateway,
        index,
        body,
        name,
        hostname: body.hostname ?? "*",
        fault: protocolFault(body.protocol),
      };
    }),
  );
  const claims = Map.groupBy(
    all.filter(({ fault }) => fault === undefined),
    ({ body, hostname }) => `${body.port} ${hostname}`,
  );
  const judged: OwnListener[] = [];
  for (const listener of all) {
    const claimants = claims.get(`${listener.body.port} ${listener.hostname}`) ?? [];
    const rivals = claimants.filter((other) => other !== listener);
    const fault = listener.fault ?? conflictFault(listener, rivals);
    if (fault !== undefined) problems.push(faultProblem(listener, fault));
    judged.push({ ...listener, fault });
  }
  return judged;
}

function protocolFault(protocol: string): ListenerFault | undefined {
  if (protocol === "HTTP") return undefined;
  return { kind: "unsupported-protocol", message: `protocol ${protocol} is not supported yet` };
}

function conflictFault(listener: OwnListener, rivals: readonly OwnListener[]): ListenerFault | undefined {
  if (rivals.length === 0) return undefined;
  const names = rivals.map(({ name }) => name).join(", ");
  const host = listener.hostname === "*" ? "any hostname" : `hostname ${listener.hostname}`;
  return { kind: "conflict", message: `port ${listener.body.port} with ${host} is also claimed by ${names}` };
}

function faultProblem(listener: OwnListener, fault: ListenerFault): Problem {
  const path = ["spec", "listeners", listener.index];
  return problemIn(listener.gateway, {
    severity: "error",
    path: fault.kind === "conflict" ? [...path, "port"] : [...path, "protocol"],
    message: fault.message,
    expected: fault.kind === "conflict" ? "each port and hostname once over all Gateways" : "HTTP",
  });
}
