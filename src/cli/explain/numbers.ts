/**
 * Numbers of an explanation as people read them.
 */
import { scoreText } from "../../app/explain-reason.ts";
import { formatDurationMs } from "../../std/duration.ts";
import type { Factor } from "../../model/explanation.ts";

export function percentText(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

export function msText(ms: number | undefined): string {
  return ms === undefined ? "" : `${scoreText(ms)} ms`;
}

/** `1 token`, `1200 tokens`. */
export function countText(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

/** `250 ms ago`, `3.2 s ago`, `1h5m20s ago`. */
export function agoText(ageMs: number): string {
  if (ageMs < 1_000) return `${Math.round(ageMs)} ms ago`;
  if (ageMs < 60_000) return `${(ageMs / 1_000).toFixed(1)} s ago`;
  return `${formatDurationMs(Math.floor(ageMs / 1_000) * 1_000)} ago`;
}

/** 0 means none, as everywhere in the configuration. */
export function limitText(ms: number): string {
  return ms === 0 ? "no limit" : formatDurationMs(ms);
}

/** Factors have names of code: `inFlight`. */
export function factorName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

export function factorText(factor: Factor | undefined): string {
  if (factor === undefined) return "";
  // JSON has no infinity: it arrives as nothing.
  const number = factor.value === undefined ? "unknown" : scoreText(factor.value);
  return factor.unit === "" ? number : `${number} ${factor.unit}`;
}
