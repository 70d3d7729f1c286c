import type { Series } from "./metric-table";

/** A part of the x-axis, ends included. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Several series over one x-axis: a row each, with null where a series has no value. */
export interface AlignedSeries {
  readonly x: number[];
  readonly y: (number | null)[][];
}

/**
 * Series on a common axis of at most `points` places. Where there are more values, the axis is cut into cells, and of those of a cell
 * the first extreme comes first: a peak never goes missing. Values that are not finite are left out.
 *
 * @param series each with ascending x
 * @param range part that is wanted; undefined: everything
 */
export function align(series: readonly Series[], points: number, range?: Range): AlignedSeries {
  const parts = series.map((each) => within(each, range));
  const exact = exactAxis(parts, points);
  if (exact !== undefined) return { x: [...exact.keys()], y: parts.map((part) => atPlaces(part, exact)) };
  let [from, to] = [Infinity, -Infinity];
  for (const { x } of parts) {
    if (x.length === 0) continue;
    from = Math.min(from, x[0]!);
    to = Math.max(to, x.at(-1)!);
  }
  const cells = Math.max(1, Math.floor(points / 2));
  const width = (to - from) / cells || 1;
  const x = Array.from(
    { length: 2 * cells },
    (_, i) => from + (Math.floor(i / 2) + (i % 2 === 0 ? 0.25 : 0.75)) * width,
  );
  return { x, y: parts.map((part) => extremes(part, from, width, cells)) };
}

/** The part of a series in a range, and one value beyond it on both sides, so that lines reach the edge. */
function within({ x, y }: Series, range: Range | undefined): Series {
  if (range === undefined) return { x, y };
  const first = Math.max(0, lowerBound(x, range.from) - 1);
  const last = Math.min(x.length, lowerBound(x, range.to) + 1);
  return { x: x.subarray(first, last), y: y.subarray(first, last) };
}

/** The first index whose x is not below a value. */
function lowerBound(x: Float64Array, value: number): number {
  let [low, high] = [0, x.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Every x that occurs and its place, in ascending order; undefined: there are more than `points`. */
function exactAxis(parts: readonly Series[], points: number): Map<number, number> | undefined {
  const all = new Set<number>();
  for (const { x } of parts) {
    if (x.length > points) return undefined;
    for (const value of x) all.add(value);
    if (all.size > points) return undefined;
  }
  return new Map([...all].sort((a, b) => a - b).map((value, place) => [value, place]));
}

function atPlaces({ x, y }: Series, places: ReadonlyMap<number, number>): (number | null)[] {
  const row = new Array<number | null>(places.size).fill(null);
  for (let i = 0; i < x.length; i++) if (Number.isFinite(y[i]!)) row[places.get(x[i]!)!] = y[i]!;
  return row;
}

function extremes({ x, y }: Series, from: number, width: number, cells: number): (number | null)[] {
  const row = new Array<number | null>(2 * cells).fill(null);
  for (let i = 0; i < x.length;) {
    const cell = Math.min(cells - 1, Math.max(0, Math.floor((x[i]! - from) / width)));
    let [low, high] = [-1, -1];
    do {
      const value = y[i]!;
      if (Number.isFinite(value)) {
        if (low < 0 || value < y[low]!) low = i;
        if (high < 0 || value > y[high]!) high = i;
      }
      i++;
    } while (i < x.length && Math.min(cells - 1, Math.floor((x[i]! - from) / width)) === cell);
    if (low < 0) continue;
    row[2 * cell] = y[Math.min(low, high)]!;
    if (low !== high) row[2 * cell + 1] = y[Math.max(low, high)]!;
  }
  return row;
}

/**
 * An exponential moving average, without the pull towards zero at its beginning. Values that are not finite are left out of it.
 *
 * @param weight from 0 (as it is) to below 1
 */
export function smooth({ x, y }: Series, weight: number): Series {
  if (weight <= 0) return { x, y };
  const smoothed = new Float64Array(y.length);
  let [mean, share] = [0, 0];
  for (let i = 0; i < y.length; i++) {
    if (!Number.isFinite(y[i]!)) {
      smoothed[i] = y[i]!;
      continue;
    }
    mean = weight * mean + (1 - weight) * y[i]!;
    share = weight * share + (1 - weight);
    smoothed[i] = mean / share;
  }
  return { x, y: smoothed };
}
