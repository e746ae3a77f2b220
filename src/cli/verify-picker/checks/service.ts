/**
 * The gRPC service itself: transport, method, health names.
 */
import { GrpcConnection } from "../../../edge/extproc-client/grpc-connection.ts";
import { checkHealth, type Health } from "../../../edge/extproc-client/health.ts";
import type { Check } from "../check.ts";
import { Fault, mustHold, Skip } from "../fault.ts";
import type { Stand } from "../stand.ts";
import { mustStillServe } from "./stream-ends.ts";

const HEALTH_NAMES = [
  "liveness",
  "readiness",
  "envoy.service.ext_proc.v3.ExternalProcessor",
  "",
  "inference-extension",
] as const;
/** gRPC status codes. */
const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;

export const tls: Check = {
  name: "tls",
  test: 12,
  rule: 1,
  title: "TLS with any certificate, HTTP/2 by ALPN",
  run: async (stand) => {
    if (!stand.settings.tls) throw new Skip("asked in the clear; --tls asks over TLS");
    const connection = await stand.openConnection();
    connection.close();
    await mustStillServe(stand);
  },
};

export const unknownMethod: Check = {
  name: "unknown-method",
  test: 12,
  rule: 1,
  title: "a gRPC method that there is not ends with UNIMPLEMENTED",
  run: async (stand) => {
    const { timeoutMs } = stand.settings;
    const call = (await stand.connection()).call("/envoy.service.ext_proc.v3.ExternalProcessor/Nothing");
    call.halfClose();
    const event = await call.next(timeoutMs);
    call.reset();
    mustHold(event !== undefined, `waits for ever: no end within ${timeoutMs} ms`);
    const status = event.kind === "end" ? event.status : undefined;
    mustHold(status === UNIMPLEMENTED, `ended with gRPC status ${status} instead of ${UNIMPLEMENTED}`);
  },
};

export const healthNames: Check = {
  name: "health-names",
  test: 12,
  rule: 10,
  title: "every name that gateways and probes ask for is SERVING",
  run: (stand) =>
    onEachConnection(stand, async (connection, where) => {
      for (const name of HEALTH_NAMES) {
        const health = await checkHealth(connection, name, stand.settings.timeoutMs);
        const isServing = health.kind === "status" && health.status === "SERVING";
        mustHold(isServing, `${where}: "${name}" is ${describe(health)}`);
      }
    }),
};

export const healthUnknownName: Check = {
  name: "health-unknown-name",
  test: 12,
  rule: 10,
  title: "a name that nobody knows is not SERVING",
  run: (stand) =>
    onEachConnection(stand, async (connection, where) => {
      const health = await checkHealth(connection, "plimsoll.no.such.Service", stand.settings.timeoutMs);
      const isUnknown =
        (health.kind === "status" && health.status === "SERVICE_UNKNOWN") ||
        (health.kind === "error" && health.status === NOT_FOUND);
      mustHold(isUnknown, `${where}: a name that nobody knows is ${describe(health)}`);
    }),
};

async function onEachConnection(
  stand: Stand,
  run: (connection: GrpcConnection, where: string) => Promise<void>,
): Promise<void> {
  const { health, target, timeoutMs } = stand.settings;
  await run(await stand.connection(), `port ${target.port}`);
  if (health === undefined) return;
  const connection = await GrpcConnection.open({ ...health, tls: false }, timeoutMs).catch(
    (error: unknown) => {
      throw new Fault((error as Error).message);
    },
  );
  try {
    await run(connection, `port ${health.port}`);
  } finally {
    connection.close();
  }
}

function describe(health: Health): string {
  switch (health.kind) {
    case "status":
      return health.status;
    case "error":
      return `an error: gRPC status ${health.status}${health.message === "" ? "" : ` (${health.message})`}`;
    case "silence":
      return "waited for for ever";
  }
}
