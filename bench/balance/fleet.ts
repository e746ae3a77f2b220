/**
 * A fleet of endpoints of its own for each measurement, so that nothing one proxy left behind meets the next.
 */
import { join } from "node:path";
import { type Child, start } from "../lib/children.ts";
import { HOST } from "../lib/network.ts";
import type { Scenario } from "./scenarios.ts";

export interface Fleet {
  readonly child: Child;
  readonly ports: readonly number[];
  /** Requests that each endpoint got since counting began, retries included. */
  attempts(): Promise<readonly number[]>;
}

export async function startFleet(scenario: Scenario, seed: number, countFrom: number): Promise<Fleet> {
  const script = join(import.meta.dirname, "fleet-server.ts");
  let text = "";
  let ready: () => void = () => {};
  const spoken = new Promise<void>((resolve) => (ready = resolve));
  const child = start(process.execPath, [script, scenario.name, String(seed), String(countFrom)], {
    onStdout: (part) => {
      text += part;
      if (text.includes("\n")) ready();
    },
  });
  await Promise.race([spoken, child.ended]);
  if (!text.includes("\n")) throw new Error(`the endpoints did not start: ${child.output()}`);
  const { ports, control } = JSON.parse(text) as { ports: number[]; control: number };
  return {
    child,
    ports,
    async attempts() {
      return (await (await fetch(`http://${HOST}:${control}/attempts`)).json()) as number[];
    },
  };
}
