import type { KeyError, ValueError } from "../../config/python-errors";
import type { MetricWriter } from "../writers/prefixed-log-writer";

/** Whether `value` is better than `best`; equal values and NaN are not. */
export function isBetter(value: number, best: number, higherIsBetter: boolean): boolean {
  return higherIsBetter ? value > best : value < best;
}

/** The value that everything is better than. */
export function worstValue(higherIsBetter: boolean): number {
  return higherIsBetter ? -Infinity : Infinity;
}

/**
 * A metric that was logged at the current update.
 *
 * @param asker Who needs it, for the error.
 */
export function currentMetric(
  writer: MetricWriter,
  key: string,
  asker: string,
  ErrorType: typeof KeyError | typeof ValueError,
): number {
  const cache = writer.logCache;
  const hint =
    "the callback that logs it has to be listed before this one, with the same or a shorter interval of the same kind";
  if (cache === null) {
    throw new ErrorType(`Log cache is empty: ${asker} couldn't find metric_key ${key}; ${hint}`);
  }
  if (!Object.hasOwn(cache, key)) {
    const available = Object.keys(cache).filter((name) => !["epoch", "update", "sample"].includes(name));
    throw new ErrorType(
      `${asker} couldn't find metric_key ${key}; logged at this update: ${available.join(", ") || "nothing"}; ${hint}`,
    );
  }
  return Number(cache[key]);
}
