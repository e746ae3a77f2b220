/**
 * The scenarios: which endpoints stand behind the proxies, and what is asked of them.
 *
 * Work is lognormal with a mean of 50 ms and a deviation of its logarithm of 0.4 (its p99 is 2.3 times its mean), each
 * endpoint has four slots and a queue. A slowness multiplies the time that work takes. Rates are per second and chosen
 * so that the sound part of the fleet can carry them at 60 to 70 % of its capacity, except for the even fleet, which
 * is loaded to 75 %: there queues are what is left to tell proxies apart.
 */
export const SCENARIO_NAMES = ["even", "slow", "flip", "by-turns", "two-speeds", "fail-fast"] as const;
export type ScenarioName = (typeof SCENARIO_NAMES)[number];

export interface EndpointSpec {
  /** Times as long as the work says; 1 is sound. */
  readonly slowness: number;
  /** For so long as `slowness` says, then for as long sound, and so on; 0: always as it says. */
  readonly flipMs: number;
  /** Begins sound. */
  readonly soundFirst: boolean;
  /** Answers 503 after a millisecond, without a slot. Its health check passes all the same. */
  readonly fails: boolean;
}

export interface Scenario {
  readonly name: ScenarioName;
  readonly title: string;
  readonly ratePerSec: number;
  readonly endpoints: readonly EndpointSpec[];
  /** Those whose share of the attempts is reported, and what they are called. */
  readonly watched: { readonly title: string; readonly indexes: readonly number[] };
  readonly target: "half" | "even";
}

export const ENDPOINTS = 8;
export const SLOTS = 4;
export const WORK = { meanMs: 50, sigma: 0.4 } as const;

const SOUND: EndpointSpec = { slowness: 1, flipMs: 0, soundFirst: false, fails: false };

/** Bad ones first, the rest is sound. */
function fleet(...bad: readonly EndpointSpec[]): readonly EndpointSpec[] {
  return [...bad, ...Array.from({ length: ENDPOINTS - bad.length }, () => SOUND)];
}

const FIRST = [0];

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "even",
    title: "eight equal endpoints",
    ratePerSec: 480,
    endpoints: fleet(),
    watched: { title: "first", indexes: FIRST },
    target: "even",
  },
  {
    name: "slow",
    title: "one of eight is ten times slower",
    ratePerSec: 360,
    endpoints: fleet({ ...SOUND, slowness: 10 }),
    watched: { title: "slow one", indexes: FIRST },
    target: "half",
  },
  {
    name: "flip",
    title: "one of eight is ten times slower every other four seconds",
    ratePerSec: 360,
    endpoints: fleet({ ...SOUND, slowness: 10, flipMs: 4000 }),
    watched: { title: "flipping one", indexes: FIRST },
    target: "half",
  },
  {
    name: "by-turns",
    title: "two of eight are ten times slower by turns, four seconds each",
    ratePerSec: 360,
    endpoints: fleet(
      { ...SOUND, slowness: 10, flipMs: 4000 },
      { ...SOUND, slowness: 10, flipMs: 4000, soundFirst: true },
    ),
    watched: { title: "flipping two", indexes: [0, 1] },
    target: "half",
  },
  {
    name: "two-speeds",
    title: "half of them are four times slower",
    ratePerSec: 240,
    endpoints: fleet(...Array.from({ length: 4 }, () => ({ ...SOUND, slowness: 4 }))),
    watched: { title: "slow half", indexes: [0, 1, 2, 3] },
    target: "half",
  },
  {
    name: "fail-fast",
    title: "one of eight answers 503 within a millisecond",
    ratePerSec: 360,
    endpoints: fleet({ ...SOUND, fails: true }),
    watched: { title: "failing one", indexes: FIRST },
    target: "even",
  },
];
