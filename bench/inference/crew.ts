/**
 * Threads that share a list of tasks: each takes the next one when it is done, so that long ones hold nobody up.
 */
import { Worker } from "node:worker_threads";
import type { Result, Task } from "./task.ts";

export async function performAll(
  tasks: readonly Task[],
  processes: number,
  done: (result: Result) => void,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  let next = 0;
  const one = async (): Promise<void> => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url));
    try {
      while (next < tasks.length) {
        const place = next++;
        const result = await perform(worker, tasks[place]!);
        results[place] = result;
        done(result);
      }
    } finally {
      worker.postMessage(null);
    }
  };
  await Promise.all(Array.from({ length: Math.min(processes, tasks.length) }, one));
  return results;
}

function perform(worker: Worker, task: Task): Promise<Result> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(error);
    worker.once("error", fail);
    worker.once("message", (result: Result) => {
      worker.off("error", fail);
      resolve(result);
    });
    worker.postMessage(task);
  });
}
