/**
 * How much work a request is: samplers of the service time distributions, each with the mean that was asked for.
 *
 * - pareto: the bounded Pareto distribution on [L, maxMs]; L is found so that the mean is right.
 * - normal: a normal distribution with deviation cv * mean, cut at 0 (drawn again) and scaled back to the mean, which
 *   cutting raises. cv 1 is the load of the Prequal paper.
 * - lognormal: sigma is the deviation of the logarithm.
 */
import type { Prng } from "../../std/prng.ts";
import type { WorkSpec } from "../scenario/scenario.ts";

/** Milliseconds. */
export type Sampler = () => number;

export function workSampler(spec: WorkSpec, prng: Prng): Sampler {
  switch (spec.kind) {
    case "constant":
      return () => spec.meanMs;
    case "exponential":
      return () => spec.meanMs * exponential(prng);
    case "lognormal": {
      const mu = Math.log(spec.meanMs) - (spec.sigma * spec.sigma) / 2;
      return () => Math.exp(mu + spec.sigma * normal(prng));
    }
    case "pareto":
      return bounded(spec.meanMs, spec.alpha, spec.maxMs, prng);
    case "normal":
      return cutNormal(spec.meanMs, spec.cv, prng);
    case "recorded":
      return () => spec.valuesMs[Math.floor(prng.float() * spec.valuesMs.length)]!;
  }
}

/** Mean 1. The argument of the logarithm is never 0. */
export function exponential(prng: Prng): number {
  return -Math.log(1 - prng.float());
}

/** Mean 0, deviation 1, by Box and Muller; the second value of the pair is left, for simplicity. */
export function normal(prng: Prng): number {
  return Math.sqrt(2 * exponential(prng)) * Math.cos(2 * Math.PI * prng.float());
}

function bounded(meanMs: number, alpha: number, maxMs: number, prng: Prng): Sampler {
  let low = 0;
  let high = meanMs;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (boundedMean(middle, alpha, maxMs) < meanMs) low = middle;
    else high = middle;
  }
  const least = (low + high) / 2;
  const cut = 1 - (least / maxMs) ** alpha;
  return () => least / (1 - prng.float() * cut) ** (1 / alpha);
}

/** The mean of the bounded Pareto distribution on [least, most]. */
function boundedMean(least: number, alpha: number, most: number): number {
  const ratio = least / most;
  if (alpha === 1) return (least * Math.log(1 / ratio)) / (1 - ratio);
  return (least * alpha * (1 - ratio ** (alpha - 1))) / ((alpha - 1) * (1 - ratio ** alpha));
}

function cutNormal(meanMs: number, cv: number, prng: Prng): Sampler {
  const scale = meanMs / cutMean(cv);
  return () => {
    for (;;) {
      const value = 1 + cv * normal(prng);
      if (value > 0) return value * scale;
    }
  };
}

/** Mean of what is above 0 of a normal distribution with mean 1 and deviation cv, by the trapezoidal rule. */
function cutMean(cv: number): number {
  const steps = 10_000;
  const width = (1 + 10 * cv) / steps;
  let mass = 0;
  let moment = 0;
  for (let step = 0; step <= steps; step++) {
    const x = step * width;
    const density = Math.exp(-(((x - 1) / cv) ** 2) / 2) * (step === 0 || step === steps ? 0.5 : 1);
    mass += density;
    moment += x * density;
  }
  return moment / mass;
}
