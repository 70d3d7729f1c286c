import {
  align,
  type AlignedSeries,
  type Axis,
  type MetricTable,
  type Range,
  sectionOf,
  type Section,
  seriesOf,
  smooth,
} from "../../core/runs";
import type { RunCatalogue } from "./run-catalogue";

/** What the page wants to draw. */
export interface ChartRequest {
  readonly runs: readonly string[];
  /** Names of metrics. */
  readonly names: readonly string[];
  readonly axis: Axis;
  /** Most places of the x-axis. */
  readonly points: number;
  readonly range?: Range;
  /** Weight of an exponential average, 0 to below 1. */
  readonly smoothing: number;
}

/** A metric of several runs over one axis. */
export interface ChartData extends Omit<AlignedSeries, "y"> {
  /** By run; of a run that did not log it there is none. */
  readonly runs: Record<string, (number | null)[]>;
}

/** A metric that some of the runs have logged. */
export interface ListedMetric {
  readonly name: string;
  readonly section: Section;
}

/** Names of the metrics that any of the runs has. */
export function metricsOf(catalogue: RunCatalogue, runs: readonly string[]): ListedMetric[] {
  const names = new Set(runs.flatMap((run) => catalogue.namesOf(run)));
  return [...names].sort().map((name) => ({ name, section: sectionOf(name) }));
}

/** Charts, and the runs that are not in them because reading them took too long: ask again. */
export interface Charts {
  readonly charts: Readonly<Record<string, ChartData>>;
  readonly pending: readonly string[];
}

/** Milliseconds after which an answer does without the runs that are not read yet. */
const PATIENCE = 1500;

/** Series of several runs, thinned out to what a screen can show. */
export async function chartData(
  catalogue: RunCatalogue,
  { runs, names, axis, points, range, smoothing }: ChartRequest,
  patience = PATIENCE,
): Promise<Charts> {
  const tables = new Map<string, MetricTable>();
  const pending: string[] = [];
  const end = performance.now() + patience;
  let read = 0;
  for (const run of runs) {
    const isFirst = !catalogue.isRead(run);
    // one at least is read, so that some answer has them all
    if (isFirst && read > 0 && performance.now() > end) pending.push(run);
    else tables.set(run, await catalogue.tableOf(run));
    if (isFirst) read++;
  }
  catalogue.trim(runs);
  const charts: Record<string, ChartData> = {};
  for (const name of names) {
    const found = [...tables].flatMap(([run, table]) => {
      const series = seriesOf(table, name, axis);
      return series === undefined ? [] : [{ run, series: smooth(series, smoothing) }];
    });
    const { x, y } = align(
      found.map(({ series }) => series),
      points,
      range,
    );
    charts[name] = { x, runs: Object.fromEntries(found.map(({ run }, i) => [run, y[i]!])) };
    // between charts others get their turn
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { charts, pending };
}
