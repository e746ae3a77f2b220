/**
 * `plimsoll serve`: run the gateway until told to stop.
 *
 * SIGTERM and SIGINT drain and end with 0; a second one ends at once with 1. SIGHUP reads the manifests anew.
 */
import { formatProblem } from "../config/format-problem.ts";
import { RunningGateway, StartError, type ServeOptions } from "./serve/running-gateway.ts";

export async function serve(options: ServeOptions): Promise<number> {
  let running: RunningGateway;
  try {
    running = new RunningGateway(options);
    await running.start();
  } catch (error) {
    if (error instanceof StartError) {
      for (const problem of error.problems) process.stderr.write(`${formatProblem(problem)}\n`);
    }
    process.stderr.write(`plimsoll: ${(error as Error).message}\n`);
    return 1;
  }
  process.on("SIGHUP", () => void running.reload());
  await new Promise<void>((resolve) => {
    const stop = (): void => {
      resolve();
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(1));
    };
    process.once("SIGTERM", stop);
    process.once("SIGINT", stop);
  });
  await running.stop();
  return 0;
}
