/**
 * Writes log lines to a file or to standard output without ever making traffic wait for it.
 *
 * Lines are gathered and written together. If the destination does not keep up (a slow disk, a stopped reader, a full
 * file system), lines beyond a bound are dropped and counted, never queued without end; traffic goes on.
 */
import fs from "node:fs";

const FLUSH_BYTES = 65_536;
const FLUSH_INTERVAL_MS = 100;
/** Text that may wait for a slow destination. At about 400 bytes a line, some 20,000 lines. */
const PENDING_BYTES_MAX = 8_388_608;

export class LineWriter {
  /** Lines that were not written, for the metric. */
  dropped = 0;
  readonly #fd: number;
  readonly #onError: (error: Error) => void;
  readonly #owned: boolean;
  #gathered = "";
  #gatheredLines = 0;
  #writing = false;
  #timer: NodeJS.Timeout | undefined;

  /** `path` undefined: standard output. Throws if the file cannot be opened. */
  constructor(path: string | undefined, onError: (error: Error) => void) {
    this.#fd = path === undefined ? 1 : fs.openSync(path, "a");
    this.#owned = path !== undefined;
    this.#onError = onError;
  }

  /** `line` without its line feed. */
  write(line: string): void {
    if (this.#gathered.length > PENDING_BYTES_MAX) {
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
    const bytes = Buffer.from(this.#gathered);
    const lines = this.#gatheredLines;
    this.#gathered = "";
    this.#gatheredLines = 0;
    this.#writing = true;
    this.#writeRest(bytes, 0, lines);
  }

  #writeRest(bytes: Buffer, from: number, lines: number): void {
    fs.write(this.#fd, bytes, from, bytes.length - from, null, (error, written) => {
      if (error !== null && error.code === "EAGAIN") {
        // Standard output may be a non-blocking pipe; its reader needs a moment.
        setTimeout(() => this.#writeRest(bytes, from, lines), FLUSH_INTERVAL_MS).unref();
        return;
      }
      if (error === null && from + written < bytes.length) {
        this.#writeRest(bytes, from + written, lines);
        return;
      }
      this.#writing = false;
      if (error !== null) {
        this.dropped += lines;
        this.#onError(error);
      }
      if (this.#gathered.length >= FLUSH_BYTES) this.#flush();
      else if (this.#gathered !== "")
        this.#timer ??= setTimeout(() => this.#flush(), FLUSH_INTERVAL_MS).unref();
    });
  }

  /** Writes what is left, at once; for the end of the process. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      if (this.#gathered !== "") fs.writeSync(this.#fd, this.#gathered);
      if (this.#owned) fs.closeSync(this.#fd);
    } catch (error) {
      this.#onError(error as Error);
    }
    this.#gathered = "";
  }
}
