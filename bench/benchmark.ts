/** One number beside its peer's. Lower is better for all of them. */
export interface Metric {
  readonly id: string;
  readonly ours: number;
  readonly peer: number;
  readonly unit: string;
  /** `ours / peer`. */
  readonly ratio: number;
  /** The largest ratio that is good enough. */
  readonly target: number;
  readonly ok: boolean;
}

/** A table as a person reads it: cells are finished text, the first column is left-aligned. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface BenchmarkResult {
  readonly metrics: readonly Metric[];
  /** What the metrics are made of. */
  readonly tables: readonly Table[];
  /** What a reader has to know to believe the numbers; whole sentences. */
  readonly notes: readonly string[];
}

export interface BenchmarkContext {
  /** Shows a line to whoever waits. */
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Benchmark {
  readonly name: string;
  /** What it finds out, in one line. */
  readonly question: string;
  run(context: BenchmarkContext): Promise<BenchmarkResult>;
}

/** A metric with the ratio at the precision at which it is shown, so that `ok` never contradicts what a reader sees. */
export function metric(input: Pick<Metric, 'id' | 'ours' | 'peer' | 'unit' | 'target'>): Metric {
  const ratio = Number((input.ours / input.peer).toFixed(2));
  return { ...input, ratio, ok: ratio <= input.target };
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)];
  if (upper === undefined) throw new RangeError('there is no median of nothing');
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? upper)) / 2 : upper;
}
