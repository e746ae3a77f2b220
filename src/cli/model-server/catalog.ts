/**
 * The models a server answers to: its own, and the LoRA adapters on top of it, each under its name.
 *
 * Adapters may come and go, as with vLLM's /v1/load_lora_adapter; a number stands for a name for good, since what the engine has in its
 * cache under it stays.
 */
export interface CatalogEntry {
  /** Undefined: the base model. */
  readonly adapter: number | undefined;
  readonly adapterName: string;
}

const BASE: CatalogEntry = { adapter: undefined, adapterName: "" };

export class Catalog {
  readonly model: string;
  readonly #adapters = new Set<string>();
  /** By number; also of those that have gone. */
  readonly #names: string[] = [];
  readonly #createdSec = Math.floor(Date.now() / 1000);

  constructor(model: string, adapters: readonly string[]) {
    this.model = model;
    for (const name of adapters) this.load(name);
  }

  find(name: string): CatalogEntry | undefined {
    if (name === this.model) return BASE;
    if (!this.#adapters.has(name)) return undefined;
    return { adapter: this.#names.indexOf(name), adapterName: name };
  }

  nameOf(adapter: number): string {
    return this.#names[adapter]!;
  }

  /** False: there is one of that name. */
  load(name: string): boolean {
    if (name === this.model || this.#adapters.has(name)) return false;
    this.#adapters.add(name);
    if (!this.#names.includes(name)) this.#names.push(name);
    return true;
  }

  /** False: there is none of that name. */
  unload(name: string): boolean {
    return this.#adapters.delete(name);
  }

  /** As /v1/models has it. */
  list(contextTokensMax: number): object {
    const entry = (id: string, parent: string | null): object => ({
      id,
      object: "model",
      created: this.#createdSec,
      owned_by: "plimsoll",
      root: parent === null ? id : `adapters/${id}`,
      parent,
      max_model_len: parent === null ? contextTokensMax : null,
    });
    const adapters = Array.from(this.#adapters, (name) => entry(name, this.model));
    return { object: "list", data: [entry(this.model, null), ...adapters] };
  }
}
