/**
 * Linear least squares that goes along: y is about the sum of c_i * x_i, and each sample moves the coefficients a little.
 *
 * Recursive least squares with exponential forgetting. Three guards make it safe to leave alone: a residual counts for at
 * most four times the usual one (Huber), so an outlier cannot throw it; coefficients stay within given bounds, so that
 * nothing ever has a negative price; and the covariance does not grow beyond its beginning, so that
 * it cannot blow up while the samples say nothing new. Features should be of the order of 1.
 */
export interface Prior {
  readonly coefficients: readonly number[];
  readonly least: readonly number[];
  readonly most: readonly number[];
  /** How far off each may be: its standard deviation. */
  readonly spread: readonly number[];
}

/** A sample counts half after about 350 others. */
const FORGETTING = 0.998;
const RESIDUAL_MAX = 4;

export class LeastSquares {
  readonly #size: number;
  readonly coefficients: Float64Array;
  readonly #prior: Prior;
  readonly #covariance: Float64Array;
  readonly #gain: Float64Array;
  /** The features of the next `learn`: written by the caller. */
  readonly features: Float64Array;
  /** Usual size of the residual, and how many samples there were: one array, so that nothing is boxed. */
  readonly #scale = new Float64Array(2);

  constructor(prior: Prior) {
    this.#size = prior.coefficients.length;
    this.#prior = prior;
    this.coefficients = Float64Array.from(prior.coefficients);
    this.#covariance = new Float64Array(this.#size * this.#size);
    this.#gain = new Float64Array(this.#size);
    this.features = new Float64Array(this.#size);
    for (let i = 0; i < this.#size; i++) this.#covariance[i * this.#size + i] = prior.spread[i]! ** 2;
  }

  get samples(): number {
    return this.#scale[1]!;
  }

  /** Of `features`. */
  predict(): number {
    let sum = 0;
    for (let i = 0; i < this.#size; i++) sum += this.coefficients[i]! * this.features[i]!;
    return sum;
  }

  /** Takes `features` and what was measured. */
  learn(measured: number): void {
    const size = this.#size;
    const { features, coefficients } = this;
    const covariance = this.#covariance;
    const gain = this.#gain;
    const scale = this.#scale;
    let residual = measured - this.predict();
    const count = (scale[1] = scale[1]! + 1);
    const usual = scale[0]!;
    const rate = Math.max(0.02, 1 / count);
    const bound = RESIDUAL_MAX * usual;
    // The first few may be far off for the good reason that the prior was.
    if (count > 8 && Math.abs(residual) > bound) residual = residual > 0 ? bound : -bound;
    scale[0] = usual + rate * (Math.abs(residual) - usual);
    // The noise grows with what is measured; a fifth of it is what step times scatter by.
    let spread = (0.2 * Math.max(Math.abs(measured), 1)) ** 2;
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (let j = 0; j < size; j++) sum += covariance[i * size + j]! * features[j]!;
      gain[i] = sum;
      spread += sum * features[i]!;
    }
    for (let i = 0; i < size; i++) coefficients[i] = coefficients[i]! + (gain[i]! * residual) / spread;
    this.#bound();
    for (let i = 0; i < size; i++)
      for (let j = 0; j <= i; j++) {
        const left = covariance[i * size + j]! - (gain[i]! * gain[j]!) / spread;
        covariance[i * size + j] = left;
        covariance[j * size + i] = left;
      }
    this.#forget();
  }

  /**
   * Back within the bounds, in the order of coefficients: the others take over what one may not, as far as the covariance says that
   * they stand for each other. Cut off one by one they would predict something else, and the next sample would push them further.
   */
  #bound(): void {
    const size = this.#size;
    const { coefficients } = this;
    for (let pass = 0; pass < size; pass++)
      for (let i = 0; i < size; i++) {
        const value = coefficients[i]!;
        const within = Math.min(this.#prior.most[i]!, Math.max(this.#prior.least[i]!, value));
        if (within === value) continue;
        const share = (within - value) / this.#covariance[i * size + i]!;
        for (let j = 0; j < size; j++)
          coefficients[j] = coefficients[j]! + share * this.#covariance[j * size + i]!;
        coefficients[i] = within;
      }
    for (let i = 0; i < size; i++)
      coefficients[i] = Math.min(this.#prior.most[i]!, Math.max(this.#prior.least[i]!, coefficients[i]!));
  }

  #forget(): void {
    const size = this.#size;
    for (let i = 0; i < size; i++)
      if (this.#covariance[i * size + i]! / FORGETTING > this.#prior.spread[i]! ** 2) return;
    for (let i = 0; i < size * size; i++) this.#covariance[i] = this.#covariance[i]! / FORGETTING;
  }
}
