/**
 * What is wrong with a server right now. Faults may overlap: each lays something on and takes the same off again.
 */
export interface Failing {
  readonly status: number;
  readonly answerMs: number;
  /** Drawn for every request. */
  fails(): boolean;
}

export class Condition {
  /** Crashes: connections are refused. */
  #crashes = 0;
  /** Hangs and pauses: takes requests, does nothing. */
  #stops = 0;
  /** Packets get lost on the way: neither refused nor accepted. */
  #cuts = 0;
  readonly #failing: Failing[] = [];
  readonly #slowdowns: number[] = [];
  /** Reached while warming up, in (0, 1]. */
  warmth = 1;
  #speed = 1;
  /** Faults of the scenario that lie on it. Antagonists do not count: they are the weather. */
  faults = 0;
  /** Of those, the ones that health checks notice. */
  probeFailures = 0;

  get refusing(): boolean {
    return this.#crashes > 0;
  }

  get stopped(): boolean {
    return this.#stops > 0;
  }

  get swallows(): boolean {
    return this.#cuts > 0;
  }

  /** The latest of the fast failures that lie on it. */
  get failing(): Failing | undefined {
    return this.#failing.length === 0 ? undefined : this.#failing.at(-1);
  }

  /** Product of all slow-downs and the warmth. */
  get speed(): number {
    return this.#speed;
  }

  crash(by: 1 | -1): void {
    this.#crashes += by;
  }

  stop(by: 1 | -1): void {
    this.#stops += by;
  }

  cut(by: 1 | -1): void {
    this.#cuts += by;
  }

  fail(failing: Failing, by: 1 | -1): void {
    if (by === 1) this.#failing.push(failing);
    else this.#failing.splice(this.#failing.indexOf(failing), 1);
  }

  slow(factor: number, by: 1 | -1): void {
    if (by === 1) this.#slowdowns.push(factor);
    else this.#slowdowns.splice(this.#slowdowns.indexOf(factor), 1);
    this.#reckon();
  }

  warm(warmth: number): void {
    this.warmth = warmth;
    this.#reckon();
  }

  /** Anew each time: a product divided back again would drift. */
  #reckon(): void {
    let speed = this.warmth;
    for (const factor of this.#slowdowns) speed /= factor;
    this.#speed = speed;
  }
}
