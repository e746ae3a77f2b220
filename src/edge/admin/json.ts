/**
 * How the admin port writes JSON.
 */
export const JSON_TYPE = "application/json; charset=utf-8";

/** Undefined becomes null, so that every field is always there. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, (_, field: unknown) => field ?? null, 2)}\n`;
}
