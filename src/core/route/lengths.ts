/**
 * Which key lengths a map of prefixes or suffixes holds: lets a lookup skip every length that cannot hit.
 *
 * A request may carry a path or a host of thousands of separators; cutting and hashing a substring at each of them
 * would let one request cost milliseconds. With this only lengths that exist as keys are cut, and nothing beyond the
 * longest is looked at.
 */
export interface KeyLengths {
  readonly max: number;
  /** Index = length; 1 where some key has it. */
  readonly present: Uint8Array;
}

export function keyLengths(keys: Iterable<string>): KeyLengths {
  let max = 0;
  const lengths = new Set<number>();
  for (const key of keys) {
    lengths.add(key.length);
    max = Math.max(max, key.length);
  }
  const present = new Uint8Array(max + 1);
  for (const length of lengths) present[length] = 1;
  return { max, present };
}
