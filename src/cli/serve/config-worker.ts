/**
 * The thread that reads manifests: parsing a large file takes a second that the data path does not have.
 *
 * Told to load, it answers with a LoadedConfig. What it has parsed it remembers, so a reload costs what has changed.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { LoadMemory } from "../../config/load.ts";
import { loadConfig } from "../load-config.ts";
import type { ConfigWork } from "./config-thread.ts";

const { paths, options } = workerData as ConfigWork;
const memory: LoadMemory = new Map();

parentPort!.on("message", () => {
  void loadConfig(paths, memory, options).then((loaded) => parentPort!.postMessage(loaded));
});
