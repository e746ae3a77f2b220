/**
 * Model servers as a process: `node src/cli/model-server/main.ts --port 8000,8001 --profile rtx4090-8b`.
 *
 * Ready when it prints a line of JSON: `{"servers": [{"port", "publish", "replay"}]}`. Lines of JSON on its standard input change how
 * they behave: `{"server": 0, "behaviour": {"slowFactor": 4}}` (misbehaviour.ts); its end ends the process, so whoever started it
 * leaves nothing behind. With `--forever` standard input is not looked at.
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import type { Behaviour } from "./misbehaviour.ts";
import { startModelServer, type ModelServer } from "./model-server.ts";
import { DEFAULT_CACHE_EVENTS, DEFAULT_OPTIONS, PROFILES, type CacheEventOptions } from "./options.ts";

const { values } = parseArgs({
  options: {
    host: { type: "string", default: DEFAULT_OPTIONS.host },
    port: { type: "string", default: "0" },
    name: { type: "string", default: "engine" },
    model: { type: "string", default: DEFAULT_OPTIONS.model },
    adapters: { type: "string", default: "" },
    profile: { type: "string", default: DEFAULT_OPTIONS.profile.name },
    speed: { type: "string", default: "1" },
    "answer-mean": { type: "string", default: String(DEFAULT_OPTIONS.answers.mean) },
    "answer-sigma": { type: "string", default: String(DEFAULT_OPTIONS.answers.sigma) },
    "event-port": { type: "string" },
    "replay-port": { type: "string" },
    forever: { type: "boolean", default: false },
  },
});

function number(name: keyof typeof values): number {
  const value = Number(values[name]);
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${name}: expected a number`);
  return value;
}

/** The servers' event sockets count up from the first one's. */
function cacheEventsOf(index: number): CacheEventOptions | undefined {
  if (values["event-port"] === undefined) return undefined;
  const port = number("event-port");
  const replayPort = values["replay-port"] === undefined ? 0 : number("replay-port");
  return {
    ...DEFAULT_CACHE_EVENTS,
    port: port === 0 ? 0 : port + index,
    replayPort: replayPort === 0 ? 0 : replayPort + index,
  };
}

const profile = PROFILES.get(values.profile);
if (profile === undefined) throw new Error(`--profile: expected one of ${[...PROFILES.keys()].join(", ")}`);
const ports = values.port.split(",").map(Number);
const servers: readonly ModelServer[] = await Promise.all(
  ports.map((port, index) =>
    startModelServer({
      host: values.host,
      port,
      name: ports.length === 1 ? values.name : `${values.name}-${index + 1}`,
      model: values.model,
      adapters: values.adapters.split(",").filter((name) => name !== ""),
      profile,
      speed: number("speed"),
      answers: { mean: number("answer-mean"), sigma: number("answer-sigma") },
      cacheEvents: cacheEventsOf(index),
    }),
  ),
);
process.stdout.write(
  `${JSON.stringify({ servers: servers.map(({ port, cachePorts }) => ({ port, ...cachePorts })) })}\n`,
);

const stop = async (): Promise<void> => {
  await Promise.all(servers.map((server) => server.close()));
  process.exit(0);
};
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => void stop());

if (!values.forever) {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const { server, behaviour } = JSON.parse(line) as {
      readonly server: number;
      readonly behaviour: Partial<Behaviour>;
    };
    servers[server]?.misbehave(behaviour).catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
    });
  });
  lines.on("close", () => void stop());
}
