/**
 * Counters, gauges and histograms as numbers in arrays, and their Prometheus text form.
 *
 * An update is one or two array writes (about 15 ns); a client library would cost fifty times as much on every
 * request. Format: Prometheus text exposition 0.0.4. Names and label values are fixed when a series is made.
 */

export type Labels = Readonly<Record<string, string>>;

export class Counter {
  value = 0;

  add(amount = 1): void {
    this.value += amount;
  }
}

export class Histogram {
  /** Upper bounds, ascending; a last bucket takes the rest. */
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket++;
    this.counts[bucket]! += 1;
    this.sum += value;
  }
}

/** One line of a family that is read when it is asked for rather than kept. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export type FamilyType = "counter" | "gauge" | "histogram";

export interface FamilyFacts {
  readonly name: string;
  readonly type: FamilyType;
  /** Names of the labels that its series have. */
  readonly labels: readonly string[];
  readonly help: string;
}

interface Family extends FamilyFacts {
  /** The lines after HELP and TYPE. */
  write(): string;
  /** Drops series whose label has none of these values; families that keep no series have nothing to drop. */
  retain?(label: string, values: ReadonlySet<string>): void;
}

interface Keyed<S> {
  readonly labels: Labels;
  readonly series: S;
}

export class Registry {
  readonly #families: Family[] = [];

  counter(name: string, labels: readonly string[], help: string): (labels: Labels) => Counter {
    const series = this.#keyed(() => new Counter());
    this.#families.push({
      name,
      type: "counter",
      labels,
      help,
      retain: series.retain,
      write: () => lines(series.all, (text, counter) => `${name}${text} ${counter.value}\n`),
    });
    return series.get;
  }

  histogram(
    name: string,
    labels: readonly string[],
    help: string,
    bounds: readonly number[],
  ): (labels: Labels) => Histogram {
    const series = this.#keyed(() => new Histogram(bounds));
    this.#families.push({
      name,
      type: "histogram",
      labels,
      help,
      retain: series.retain,
      write: () => lines(series.all, (text, histogram) => histogramLines(name, text, histogram)),
    });
    return series.get;
  }

  /** Forgets series of things that are no more, so that a long life of reloads does not grow without end. */
  retain(label: string, values: ReadonlySet<string>): void {
    for (const family of this.#families) family.retain?.(label, values);
  }

  /**
   * Families that are read together: `read` is asked once for all of them, and gives for each row one value per
   * family, in their order; undefined where the row has none.
   */
  observedTogether(
    facts: readonly FamilyFacts[],
    read: () => Iterable<{ readonly labels: Labels; readonly values: readonly (number | undefined)[] }>,
  ): void {
    let texts: string[] = [];
    facts.forEach((family, index) => {
      const write = (): string => {
        if (index === 0) texts = this.#textsOf(facts, read());
        return texts[index] ?? "";
      };
      this.#families.push({ ...family, write });
    });
  }

  #textsOf(
    facts: readonly FamilyFacts[],
    rows: Iterable<{ readonly labels: Labels; readonly values: readonly (number | undefined)[] }>,
  ): string[] {
    const texts = facts.map(() => "");
    for (const { labels, values } of rows) {
      const text = labelText(labels);
      facts.forEach(({ name }, index) => {
        if (values[index] !== undefined) texts[index] += `${name}${text} ${values[index]}\n`;
      });
    }
    return texts;
  }

  /** A family whose samples are read from elsewhere at the time of asking. */
  observed(facts: FamilyFacts, read: () => Iterable<Sample>): void {
    this.#families.push({
      ...facts,
      write: () => {
        let text = "";
        for (const { labels, value } of read()) text += `${facts.name}${labelText(labels)} ${value}\n`;
        return text;
      },
    });
  }

  text(): string {
    let text = "";
    for (const family of this.#families) {
      text += `# HELP ${family.name} ${family.help}\n# TYPE ${family.name} ${family.type}\n${family.write()}`;
    }
    return text;
  }

  families(): readonly FamilyFacts[] {
    return this.#families;
  }

  #keyed<S>(make: () => S): {
    readonly all: Map<string, Keyed<S>>;
    readonly get: (labels: Labels) => S;
    readonly retain: (label: string, values: ReadonlySet<string>) => void;
  } {
    const all = new Map<string, Keyed<S>>();
    const get = (labels: Labels): S => {
      const key = labelText(labels);
      let keyed = all.get(key);
      if (keyed === undefined) all.set(key, (keyed = { labels, series: make() }));
      return keyed.series;
    };
    const retain = (label: string, values: ReadonlySet<string>): void => {
      for (const [key, { labels }] of all) {
        const value = labels[label];
        if (value !== undefined && !values.has(value)) all.delete(key);
      }
    };
    return { all, get, retain };
  }
}

function lines<S>(all: ReadonlyMap<string, Keyed<S>>, write: (labels: string, series: S) => string): string {
  let text = "";
  for (const [labels, { series }] of all) text += write(labels, series);
  return text;
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function histogramLines(name: string, labels: string, histogram: Histogram): string {
  const prefix = labels === "" ? "{" : `${labels.slice(0, -1)},`;
  let text = "";
  let cumulative = 0;
  for (let i = 0; i <= histogram.bounds.length; i++) {
    cumulative += histogram.counts[i]!;
    const bound = i === histogram.bounds.length ? "+Inf" : String(histogram.bounds[i]);
    text += `${name}_bucket${prefix}le="${bound}"} ${cumulative}\n`;
  }
  return `${text}${name}_sum${labels} ${histogram.sum}\n${name}_count${labels} ${cumulative}\n`;
}
