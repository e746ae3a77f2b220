/**
 * How long to fuzz, and from which seed: `FUZZ_RUNS=200000 FUZZ_SEED=7 node --test "test/fuzz/*.test.ts"`.
 */
export const FUZZ_SEED = fromEnvironment("FUZZ_SEED", 20_261_122);
/** Streams in each direction; the default takes a few seconds. */
export const FUZZ_RUNS = fromEnvironment("FUZZ_RUNS", 5_000);
/** Streams that Node reads at the same time. */
export const BATCH = 100;

function fromEnvironment(name: string, otherwise: number): number {
  const text = process.env[name];
  if (text === undefined || text === "") return otherwise;
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`${name} is no whole number: ${text}`);
  return value;
}
