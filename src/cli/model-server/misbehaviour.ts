/**
 * What can be wrong with a model server, each by itself and all at once: for tests and demonstrations.
 */
export interface Behaviour {
  /** The engine stands still. The server goes on taking requests and says that it is well, as a real one does. */
  readonly isHanging: boolean;
  /** Steps take so many times as long. */
  readonly slowFactor: number;
  /** The process has died: streams are cut, connections refused, the cache is gone. */
  readonly isDown: boolean;
  /** Requests for models, and /health, are answered with this; 0: with what they ask for. */
  readonly status: number;
  /** `lying`: the engine says that it has nothing to do. `stale`: it says what it said when this began. */
  readonly metrics: "true" | "lying" | "stale";
}

export const WELL: Behaviour = {
  isHanging: false,
  slowFactor: 1,
  isDown: false,
  status: 0,
  metrics: "true",
};
