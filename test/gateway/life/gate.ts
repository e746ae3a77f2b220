/**
 * An answer that is held back until the test says so: nothing depends on how fast the machine is.
 */
import type { Behaviour } from "../../kit/exchange.ts";

export interface Gate {
  /** Does as `behaviour` once the gate is open. */
  readonly behaviour: Behaviour;
  open(): void;
}

export function gated(behaviour: Behaviour): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    behaviour: async (exchange) => {
      await promise;
      await behaviour(exchange);
    },
    open: () => resolve(),
  };
}
