/**
 * LoRA adapters in a model server: few places, and loading costs time.
 *
 * vLLM keeps `max_loras` adapters on the device. A request whose adapter is not there waits while all places belong to
 * running requests; else the adapter used longest ago makes room, and the step that begins waits for the load.
 */
export class Adapters {
  readonly #places: number;
  /** Adapter -> running sequences; the order is that of the last use. */
  readonly #loaded = new Map<number, number>();

  constructor(places: number) {
    this.#places = places;
  }

  clear(): void {
    this.#loaded.clear();
  }

  get names(): readonly number[] {
    return [...this.#loaded.keys()];
  }

  canServe(adapter: number | undefined): boolean {
    if (adapter === undefined || this.#loaded.has(adapter) || this.#loaded.size < this.#places) return true;
    for (const running of this.#loaded.values()) if (running === 0) return true;
    return false;
  }

  /** A sequence with it begins to run. True where it had to be loaded. Only if it can be served. */
  begin(adapter: number | undefined): boolean {
    if (adapter === undefined) return false;
    const running = this.#loaded.get(adapter);
    if (running === undefined && this.#loaded.size >= this.#places) this.#unloadOldest();
    this.#loaded.delete(adapter);
    this.#loaded.set(adapter, (running ?? 0) + 1);
    return running === undefined;
  }

  end(adapter: number | undefined): void {
    if (adapter === undefined) return;
    this.#loaded.set(adapter, this.#loaded.get(adapter)! - 1);
  }

  #unloadOldest(): void {
    for (const [adapter, running] of this.#loaded) {
      if (running > 0) continue;
      this.#loaded.delete(adapter);
      return;
    }
  }
}
