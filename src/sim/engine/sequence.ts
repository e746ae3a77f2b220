/**
 * One request inside a model server: what it asks for, and how far it has come.
 */

export interface EngineRequest {
  /** The caller's own number; unique among the requests inside. */
  readonly id: number;
  /** At least 1. */
  readonly promptTokens: number;
  /** Tokens it will generate, at least 1: known to the world, not to the scheduler. */
  readonly outputTokens: number;
  /**
   * Hash i stands for the content of the first (i + 1) * blockTokens tokens, prompt first, then what will be generated. May be
   * shorter than the prompt (the rest is never shared) or reach into the output (the next turn of a conversation finds it).
   */
  readonly hashes: ArrayLike<number>;
  /** LoRA adapter, a number from 0; undefined for the base model. */
  readonly adapter?: number;
}

export class Sequence {
  readonly request: EngineRequest;
  readonly id: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Tokens whose keys and values are in the cache. */
  computed = 0;
  generated = 0;
  /** Tokens of the step that runs. */
  scheduled = 0;
  /** In the order of the tokens. */
  readonly blocks: number[] = [];
  /** Of `blocks`, how many have been offered to the cache. */
  hashed = 0;
  isRunning = false;
  /** Tokens found in the cache when it was first admitted; -1 before. */
  cachedTokens = -1;
  preemptions = 0;

  constructor(request: EngineRequest) {
    this.request = request;
    this.id = request.id;
    this.promptTokens = request.promptTokens;
    this.outputTokens = request.outputTokens;
  }

  /** All tokens that exist. */
  get tokens(): number {
    return this.promptTokens + this.generated;
  }
}
