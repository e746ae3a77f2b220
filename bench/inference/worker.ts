/**
 * A thread that performs tasks until it is told that there are no more.
 */
import { parentPort } from "node:worker_threads";
import { perform } from "./perform.ts";
import type { Task } from "./task.ts";

const port = parentPort!;
port.on("message", (task: Task | null) => {
  if (task === null) port.close();
  else port.postMessage(perform(task));
});
