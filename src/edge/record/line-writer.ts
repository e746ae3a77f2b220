/**
 * Writes log lines to a file or to standard output without ever making traffic wait for it.
 *
 * Lines are gathered and written together. If the destination does not keep up (a slow disk, a stopped reader, a full
 * file system), lines beyond a bound are dropped and counted, never queued without end; traffic goes on.
 */
import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const FLUSH_BYTES = 65_536;
const FLUSH_INTERVAL_MS = 100;
/** A full pipe is tried again after this: at 64 KiB a pipe, up to 13 MB/s. */
const RETRY_MS = 5;
/** What is left at the end of the process has this long to go out. */
const CLOSE_MS = 2_000;
/** Non-blocking: a named pipe without a reader is an error at once, and one with a stopped reader holds no thread. */
const OPEN_FLAGS =
  fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_APPEND | fs.constants.O_NONBLOCK;
/** Text that may wait for a slow destination. At about 400 bytes a line, some 20,000 lines. */
const PENDING_BYTES_MAX = 8_388_608;

export type LogDestination = "stdout" | "stderr" | { readonly path: string };

export class LineWriter {
  /** Lines that were not written, for the metric. */
  dropped = 0;
  readonly #fd: number;
  readonly #onError: (error: Error) => void;
  readonly #owned: boolean;
  #closed = false;
  #gathered = "";
  #gatheredLines = 0;
  #writing = false;
  /** The last write failed, which has been told. */
  #failing = false;
  /** It broke off within a line, which the next must not continue. */
  #torn = false;
  #timer: NodeJS.Timeout | undefined;

  /** Throws if the file cannot be opened. */
  constructor(to: LogDestination, onError: (error: Error) => void) {
    // Looking at process.stdout makes a pipe non-blocking; the bare descriptor would not be.
    if (to === "stdout") this.#fd = process.stdout.fd;
    else if (to === "stderr") this.#fd = process.stderr.fd;
    else this.#fd = fs.openSync(to.path, OPEN_FLAGS, 0o666);
    this.#owned = typeof to === "object";
    this.#onError = onError;
  }

  /** `line` without its line feed. */
  write(line: string): void {
    if (this.#closed || this.#gathered.length > PENDING_BYTES_MAX) {
      this.dropped++;
      return;
    }
    this.#gathered += `${line}\n`;
    this.#gatheredLines++;
    if (this.#gathered.length >= FLUSH_BYTES) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_INTERVAL_MS).unref();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing || this.#gathered === "") return;
    const bytes = Buffer.from(this.#torn ? `\n${this.#gathered}` : this.#gathered);
    this.#torn = false;
    const lines = this.#gatheredLines;
    this.#gathered = "";
    this.#gatheredLines = 0;
    this.#writing = true;
    this.#writeRest(bytes, 0, lines);
  }

  #writeRest(bytes: Buffer, from: number, lines: number): void {
    fs.write(this.#fd, bytes, from, bytes.length - from, null, (error, written) => {
      if (error !== null && error.code === "EAGAIN") {
        // A pipe is full; its reader needs a moment.
        setTimeout(() => this.#writeRest(bytes, from, lines), RETRY_MS).unref();
        return;
      }
      if (error === null && from + written < bytes.length) {
        this.#writeRest(bytes, from + written, lines);
        return;
      }
      this.#writing = false;
      if (error !== null) {
        this.dropped += lines;
        this.#torn = from > 0;
        if (!this.#failing) this.#onError(error);
      }
      this.#failing = error !== null;
      if (this.#gathered.length >= FLUSH_BYTES) this.#flush();
      else if (this.#gathered !== "")
        this.#timer ??= setTimeout(() => this.#flush(), FLUSH_INTERVAL_MS).unref();
    });
  }

  /** Writes what is left, as far as the destination takes it in time; for the end of the process. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const deadlineMs = performance.now() + CLOSE_MS;
    while (this.#writing || this.#gathered !== "") {
      if (performance.now() > deadlineMs) {
        this.#onError(new Error("the destination did not take the last lines in time"));
        return;
      }
      this.#flush();
      await sleep(RETRY_MS);
    }
    if (this.#owned) fs.closeSync(this.#fd);
  }
}
