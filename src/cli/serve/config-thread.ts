/**
 * Loads the configuration on a thread of its own; the gateway goes on meanwhile.
 *
 * A thread that dies of what it reads (memory, say) rejects that one load; the next gets a new thread.
 */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { CompileOptions } from "../../config/compile.ts";
import type { LoadedConfig } from "../load-config.ts";

/** Beside this file: TypeScript in a checkout, JavaScript when published. */
const WORKER = new URL(`./config-worker${extname(import.meta.url)}`, import.meta.url);

/** What the thread is told once. */
export interface ConfigWork {
  readonly paths: readonly string[];
  readonly options: CompileOptions;
}

export class ConfigThread {
  readonly #work: ConfigWork;
  #worker: Worker | undefined;

  constructor(work: ConfigWork) {
    this.#work = work;
  }

  /** One at a time. */
  load(): Promise<LoadedConfig> {
    const worker = (this.#worker ??= this.#start());
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        worker.off("message", onMessage).off("error", onError).off("exit", onExit);
        worker.unref();
      };
      const onMessage = (loaded: LoadedConfig): void => {
        finish();
        resolve(loaded);
      };
      const onError = (error: Error): void => {
        finish();
        this.#worker = undefined;
        reject(error);
      };
      const onExit = (code: number): void =>
        onError(new Error(`the configuration thread ended with ${code}`));
      worker.on("message", onMessage).on("error", onError).on("exit", onExit);
      // A load in progress keeps the process alive, an idle thread does not.
      worker.ref();
      worker.postMessage("load");
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  #start(): Worker {
    return new Worker(WORKER, { workerData: this.#work });
  }
}
