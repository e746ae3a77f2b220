/**
 * Recorded traffic: the columns of a CSV file with a header line, or the fields of a JSONL file, as arrival times and works.
 *
 * Either a row is a request, or, where a count is named, a row is a span of time that begins at its time and ends at the next
 * row's, with so many requests in it. Times begin at 0 with the first row. Values are plain: no quoted commas, which
 * no public trace of this kind has.
 */
export interface RecordingSpec {
  readonly file: string;
  readonly time: string;
  readonly unit: "s" | "ms" | "us" | "ns" | "date";
  readonly count: string | undefined;
  readonly work: string | undefined;
  readonly workMsPerUnit: number;
  readonly speedUp: number;
}

export interface Recording {
  /** Ascending. */
  readonly timesMs: Float64Array;
  readonly worksMs: Float64Array | undefined;
  readonly counts: Float64Array | undefined;
}

/** A work of 0 would be answered before it was asked. */
const WORK_MS_MIN = 1e-3;

const UNIT_MS = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 } as const;

/** Throws, with what is wrong as the message: the caller knows the place in the scenario. */
export function parseRecording(text: string, spec: RecordingSpec): Recording {
  const rows = /\.(?:jsonl|ndjson)$/.test(spec.file) ? jsonRows(text) : csvRows(text);
  if (rows.length === 0) throw new Error("it has no rows");
  const stamps = rows.map((row, index) => timeMs(field(row, spec.time, index), spec.unit, index));
  const order = stamps.map((_, index) => index).toSorted((a, b) => stamps[a]! - stamps[b]!);
  const first = stamps[order[0]!]!;
  const column = (name: string): Float64Array =>
    Float64Array.from(order, (index) => numberOf(field(rows[index]!, name, index), name, index));
  return {
    timesMs: Float64Array.from(order, (index) => (stamps[index]! - first) / spec.speedUp),
    worksMs: spec.work === undefined ? undefined : column(spec.work).map((units) => workMs(units, spec)),
    counts: spec.count === undefined ? undefined : column(spec.count),
  };
}

function workMs(units: number, spec: RecordingSpec): number {
  return Math.max(WORK_MS_MIN, units * spec.workMsPerUnit);
}

type Row = Readonly<Record<string, unknown>>;

function csvRows(text: string): readonly Row[] {
  const [header = "", ...lines] = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const names = header.split(",").map((name) => name.trim());
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(names.map((name, index) => [name, cells[index]?.trim()]));
  });
}

function jsonRows(text: string): readonly Row[] {
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "")
    .map((line, index) => {
      try {
        return JSON.parse(line) as Row;
      } catch {
        throw new Error(`row ${index + 1} is not JSON`);
      }
    });
}

function field(row: Row, name: string, index: number): unknown {
  const value = row[name];
  if (value === undefined || value === "") throw new Error(`row ${index + 1} has no ${name}`);
  return value;
}

function numberOf(value: unknown, name: string, index: number): number {
  const number = Number(value);
  if (!Number.isFinite(number) || number < 0)
    throw new Error(`row ${index + 1}: ${name} is not a number of 0 or more`);
  return number;
}

function timeMs(value: unknown, unit: RecordingSpec["unit"], index: number): number {
  // "2023-11-16 18:17:03.9799600" is what Azure writes: no zone, and more digits than Date takes.
  const date = String(value)
    .replace(" ", "T")
    .replace(/(\.\d{3})\d+/, "$1");
  const ms =
    unit === "date"
      ? Date.parse(`${date}${/Z|[+-]\d\d:?\d\d$/.test(date) ? "" : "Z"}`)
      : Number(value) * UNIT_MS[unit];
  if (!Number.isFinite(ms)) throw new Error(`row ${index + 1} has no time in ${JSON.stringify(value)}`);
  return ms;
}
