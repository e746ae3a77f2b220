/**
 * Scales of a plot: from a value to its place between 0 and 1, with the values at which to draw a tick.
 */
export interface Scale {
  /** In [0, 1]; values beyond the ends are drawn at the ends. */
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

const TICKS_WANTED = 5;

export function timeScale(seconds: number): Scale {
  return linear(seconds, 8);
}

/** From 0 to a little above `max`. */
export function linearScale(max: number): Scale {
  return linear(max * 1.05, TICKS_WANTED);
}

/** From the power of ten below `min` to the one above `max`. */
export function logScale(min: number, max: number): Scale {
  const from = Math.floor(Math.log10(min));
  const until = Math.max(from + 1, Math.ceil(Math.log10(max)));
  const ticks: number[] = [];
  for (let exponent = from; exponent <= until; exponent++) ticks.push(10 ** exponent);
  return { ticks, place: (value) => within((Math.log10(Math.max(value, 1e-9)) - from) / (until - from)) };
}

function linear(max: number, wanted: number): Scale {
  const step = niceStep(max / wanted);
  const ticks: number[] = [];
  for (let tick = 0; tick <= max * 1.0001; tick += step) ticks.push(Number(tick.toPrecision(9)));
  return { ticks, place: (value) => within(value / max) };
}

/** 1, 2 or 5 times a power of ten, not below `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((each) => each * power >= least * 0.999) ?? 10;
  return factor * power;
}

function within(place: number): number {
  return Math.min(1, Math.max(0, place));
}
