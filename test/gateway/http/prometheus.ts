/**
 * A strict reader of the Prometheus text format, version 0.0.4: what it takes, Prometheus takes. Stricter where the
 * format lets things pass that nobody should send: HELP and TYPE for every family, families in one piece, no series
 * twice, histograms whole.
 */
export interface PrometheusSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface PrometheusFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: PrometheusSample[];
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ((?:[^\\\n]|\\\\|\\n)+)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?(?:[0-9.]+(?:e[+-]?[0-9]+)?)|[+-]Inf|NaN)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;

export function parsePrometheus(text: string): ReadonlyMap<string, PrometheusFamily> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, PrometheusFamily>();
  const lines = text.slice(0, -1).split("\n");
  const seen = new Set<string>();
  let current = "";
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const help = HELP.exec(line);
    if (help) {
      current = help[1]!;
      const type = TYPE.exec(lines[++at] ?? "");
      if (type?.[1] !== current) throw new Error(`no TYPE after ${line}`);
      if (families.has(current)) throw new Error(`${current} comes twice`);
      families.set(current, { type: type[2]!, help: help[2]!, samples: [] });
      continue;
    }
    const sample = parseSample(line);
    const family = families.get(current);
    if (!family || !belongs(sample, current, family.type)) throw new Error(`stray sample ${line}`);
    const series = line.slice(0, line.lastIndexOf(" "));
    if (seen.has(series)) throw new Error(`${series} comes twice`);
    seen.add(series);
    family.samples.push(sample);
  }
  for (const [name, { type, samples }] of families) if (type === "histogram") checkHistogram(name, samples);
  return families;
}

function parseSample(line: string): PrometheusSample {
  const match = SAMPLE.exec(line);
  if (!match) throw new Error(`not a sample: ${line}`);
  const labels: Record<string, string> = {};
  const text = match[2] ?? "";
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const label = LABEL.exec(text);
    if (!label) throw new Error(`malformed labels: ${line}`);
    const [, key = "", value = ""] = label;
    if (key in labels) throw new Error(`label ${key} comes twice: ${line}`);
    labels[key] = value;
  }
  const value = match[3] === "+Inf" ? Infinity : match[3] === "-Inf" ? -Infinity : Number(match[3]);
  if (match[3] !== "NaN" && Number.isNaN(value)) throw new Error(`not a number: ${line}`);
  return { name: match[1]!, labels, value };
}

function belongs({ name, labels }: PrometheusSample, family: string, type: string): boolean {
  if (type !== "histogram") return name === family && !("le" in labels);
  if (name === `${family}_bucket`) return "le" in labels;
  return name === `${family}_sum` || name === `${family}_count`;
}

/** Buckets grow to +Inf, which equals the count; sum and count are there for each. */
function checkHistogram(name: string, samples: readonly PrometheusSample[]): void {
  const groups = Map.groupBy(samples, ({ labels }) => JSON.stringify({ ...labels, le: "" }));
  for (const [labels, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const count = group.find((sample) => sample.name === `${name}_count`)?.value;
    const sum = group.find((sample) => sample.name === `${name}_sum`)?.value;
    const bounds = buckets.map((bucket) =>
      bucket.labels["le"] === "+Inf" ? Infinity : Number(bucket.labels["le"]),
    );
    const isGrowing = buckets.every(
      (bucket, n) => n === 0 || (bounds[n]! > bounds[n - 1]! && bucket.value >= buckets[n - 1]!.value),
    );
    if (!isGrowing || bounds.at(-1) !== Infinity || buckets.at(-1)?.value !== count || sum === undefined) {
      throw new Error(`histogram ${name}${labels} is not whole`);
    }
  }
}
