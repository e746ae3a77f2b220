/**
 * Those a policy may choose from: all who may serve (eligible.ts), or those of one zone and priority (grouped.ts).
 *
 * A dense list in no meaningful order, so that samplers draw without rejection. `slot-set.ts` is the plain form of it.
 */
export interface Candidates {
  readonly size: number;
  /** The slot at an index below `size`. */
  at(index: number): number;
  has(slot: number): boolean;
  /**
   * Moves those tried before behind the others and answers how many stand in front; if all were tried, all count
   * again. O(tried), and no order is lost, for there is none.
   */
  untried(tried: readonly number[]): number;
}
