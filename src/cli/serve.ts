/**
 * `plimsoll serve`: run the gateway until told to stop.
 *
 * SIGTERM and SIGINT drain and end with 0; a second one ends at once with 1. SIGHUP reads the manifests anew.
 */
import { formatProblem } from "../config/format-problem.ts";
import { RunningGateway, StartError, type ServeOptions } from "./serve/running-gateway.ts";

export async function serve(options: ServeOptions): Promise<number> {
  // Heard from the very first: by default each of these signals would end the process, and what it has begun.
  let serving: RunningGateway | undefined;
  process.on("SIGHUP", () => void serving?.reload());
  const stopAsked = new Promise<void>((resolve) => {
    const stop = (): void => {
      resolve();
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(1));
    };
    process.once("SIGTERM", stop);
    process.once("SIGINT", stop);
  });
  try {
    const running = new RunningGateway(options);
    await running.start();
    serving = running;
  } catch (error) {
    if (error instanceof StartError) {
      for (const problem of error.problems) process.stderr.write(`${formatProblem(problem)}\n`);
    }
    process.stderr.write(`plimsoll: ${(error as Error).message}\n`);
    return 1;
  }
  await stopAsked;
  await serving.stop();
  return 0;
}
