/**
 * Kernel constants of a machine from its profile tables, as LLMServingSim's profiler writes them for one layer of a model.
 *
 * - Matrix products: two straight lines over the tokens of a step, one through small steps (bound by reading the weights), one through
 *   large ones (bound by arithmetic); the larger one counts.
 * - Attention: ordinary least squares on relative errors, for decodes alone and for prompts alone; then `mix` is what was
 *   measured for both at once over what the two fits say together, each summed over all rows.
 * - Head: the language model's head and sampler, per sequence.
 *
 * Times in the tables are microseconds; the fit is in milliseconds for all layers.
 */
import type { KernelTimes } from "./kernel-times.ts";

export interface ProfileTables {
  readonly layers: number;
  /** Of one layer, or of the model for those that stand once in it. */
  readonly dense: readonly { readonly layer: string; readonly tokens: number; readonly timeUs: number }[];
  readonly perSequence: readonly {
    readonly layer: string;
    readonly sequences: number;
    readonly timeUs: number;
  }[];
  readonly attention: readonly AttentionRow[];
}

export interface AttentionRow {
  readonly prefillChunk: number;
  readonly prefillPast: number;
  readonly decodes: number;
  readonly decodeContext: number;
  readonly timeUs: number;
}

/** How often a kernel runs in one step; all others once a layer. */
const ONCE = new Set(["embedding", "final_layernorm"]);
const TWICE_A_LAYER = new Set(["layernorm"]);

/** Steps of at most so many tokens are bound by reading weights, those of at least so many by arithmetic. */
const SMALL_STEP = 64;
const LARGE_STEP = 512;

export function fitKernels(tables: ProfileTables): KernelTimes {
  const dense = denseMs(tables);
  const small = line(dense.filter(([tokens]) => tokens <= SMALL_STEP));
  const large = line(dense.filter(([tokens]) => tokens >= LARGE_STEP));
  const head = line(headMs(tables));
  const perLayer = tables.layers / 1000;
  const decodes = tables.attention.filter((row) => row.prefillChunk === 0);
  const [decodeMs, perContext, perSequence] = leastSquares(
    decodes.map((row) => [1, row.decodes * row.decodeContext, row.decodes]),
    decodes.map((row) => row.timeUs * perLayer),
  ) as [number, number, number];
  const prompts = tables.attention.filter((row) => row.decodes === 0);
  const [perPair, perToken] = leastSquares(
    prompts.map((row) => [pairs(row), row.prefillChunk]),
    prompts.map((row) => row.timeUs * perLayer),
  ) as [number, number];
  const both = tables.attention.filter((row) => row.decodes > 0 && row.prefillChunk > 0);
  const apart = (row: AttentionRow): number =>
    decodeMs +
    perContext * row.decodes * row.decodeContext +
    perSequence * row.decodes +
    perPair * pairs(row) +
    perToken * row.prefillChunk;
  const sum = (time: (row: AttentionRow) => number): number =>
    both.reduce((total, row) => total + time(row), 0);
  const mix = both.length === 0 ? 1 : (sum(({ timeUs }) => timeUs) * perLayer) / sum(apart);
  return {
    weightsMs: small.at0,
    weightsMsPerToken: small.slope,
    computeMs: large.at0,
    computeMsPerToken: large.slope,
    decodeMs,
    decodeNsPerContextToken: perContext * 1e6,
    decodeUsPerSequence: perSequence * 1e3,
    prefillPsPerTokenPair: perPair * 1e9,
    prefillNsPerToken: perToken * 1e6,
    headMs: head.at0,
    headMsPerSequence: head.slope,
    mix,
  };
}

function pairs({ prefillChunk, prefillPast }: AttentionRow): number {
  return prefillChunk * (prefillPast + prefillChunk / 2);
}

/** Tokens, and milliseconds of all matrix products and elementwise work. */
function denseMs({ dense, layers }: ProfileTables): readonly (readonly [number, number])[] {
  const byTokens = new Map<number, number>();
  for (const { layer, tokens, timeUs } of dense) {
    const times = ONCE.has(layer) ? 1 : TWICE_A_LAYER.has(layer) ? 2 * layers : layers;
    byTokens.set(tokens, (byTokens.get(tokens) ?? 0) + (times * timeUs) / 1000);
  }
  return [...byTokens];
}

function headMs({ perSequence }: ProfileTables): readonly (readonly [number, number])[] {
  const bySequences = new Map<number, number>();
  for (const { sequences, timeUs } of perSequence)
    bySequences.set(sequences, (bySequences.get(sequences) ?? 0) + timeUs / 1000);
  return [...bySequences];
}

function line(points: readonly (readonly [number, number])[]): { at0: number; slope: number } {
  const [at0, slope] = leastSquares(
    points.map(([x]) => [1, x]),
    points.map(([, y]) => y),
  ) as [number, number];
  return { at0, slope };
}

/** The coefficients that make the sum of squared relative errors least; by the normal equations. */
function leastSquares(rows: readonly (readonly number[])[], values: readonly number[]): readonly number[] {
  const size = rows[0]!.length;
  const matrix = Array.from({ length: size }, () => new Float64Array(size + 1));
  for (const [index, row] of rows.entries()) {
    const weight = 1 / values[index]! ** 2;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) matrix[i]![j]! += weight * row[i]! * row[j]!;
      matrix[i]![size]! += weight * row[i]! * values[index]!;
    }
  }
  for (let pivot = 0; pivot < size; pivot++) {
    const row = matrix[pivot]!;
    for (let other = 0; other < size; other++) {
      if (other === pivot) continue;
      const factor = matrix[other]![pivot]! / row[pivot]!;
      for (let column = pivot; column <= size; column++) matrix[other]![column]! -= factor * row[column]!;
    }
  }
  return matrix.map((row, index) => row[size]! / row[index]!);
}
