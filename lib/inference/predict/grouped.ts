import { setImmediate as nextTurn } from "node:timers/promises";
import { RuntimeError, ValueError } from "../../config/python-errors";
import type { DeviceBatch } from "../../core/interfaces/data";
import { arange, cat, Generator, randperm, scope, type Tensor } from "../../torch";
import type { FieldBuffers } from "./field-buffers";
import type { PredictionTask, PredictOptions } from "./prediction-task";

/**
 * Fields at all points of a case by a model whose points see each other: as many at a time as the pipeline chooses in training, in
 * random groups, so that each is a sample like those of training.
 */
export async function predictGrouped(
  task: PredictionTask,
  buffers: FieldBuffers,
  { chunkSize, onProgress, signal }: PredictOptions,
): Promise<void> {
  const { domains } = task.predictor.fields;
  const sizes = new Map(
    scope(() => {
      const whole = task.batch();
      return domains.map(
        (domain) => [domain, Math.min(chosenRows(task, whole, domain), chunkSize ?? Infinity)] as const,
      );
    }),
  );
  const passes = Math.max(...domains.map((domain) => Math.ceil(task.rows(domain) / sizes.get(domain)!)));
  const orders = new Map(domains.map((domain) => [domain, order(task, domain, sizes.get(domain)!)]));
  const done = new Map(domains.map((domain) => [domain, 0]));
  for (let pass = 0; pass < passes; pass++) {
    signal?.throwIfAborted();
    scope(() => {
      const rows = new Map(
        [...orders].map(([domain, permutation]) => [domain, group(permutation, pass, sizes.get(domain)!)]),
      );
      const batch = task.batch(rows);
      const fields = task.evaluate(task.forwardPart(batch));
      for (const { name, domain } of task.predictor.fields.outputs) {
        const values = fields[name];
        if (values) buffers.put(name, values, rowsOfOutput(task, batch, domain, values, rows.get(domain)!));
      }
    });
    for (const domain of domains) done.set(domain, Math.min(task.rows(domain), (pass + 1) * sizes.get(domain)!));
    onProgress?.({ done: [...done.values()].reduce((sum, count) => sum + count, 0), total: task.total });
    await nextTurn();
  }
}

/** The points of a domain in random order; in their own where one group holds all. */
function order(task: PredictionTask, domain: string, size: number): Tensor {
  const rows = task.rows(domain);
  if (size >= rows) return arange(rows, { dtype: "int64" });
  return randperm(rows, { generator: new Generator().manualSeed(task.seed) });
}

/** Numbers of the points of a group; the last one is filled with points of the first. */
function group(permutation: Tensor, pass: number, size: number): Tensor {
  const rows = permutation.size(0);
  if (size >= rows) return permutation;
  const start = (pass * size) % rows;
  const count = Math.min(size, rows - start);
  const own = permutation.narrow(0, start, count);
  return count === size ? own : cat([own, permutation.narrow(0, 0, size - count)]);
}

/** How many points of a domain the pipeline chooses of a whole case. */
function chosenRows(task: PredictionTask, batch: DeviceBatch, domain: string): number {
  return targetOf(task, batch, domain)?.size(1) ?? task.rows(domain);
}

/** The target (1, n, C) of a domain in a batch, which holds the numbers of its points. */
function targetOf(task: PredictionTask, batch: DeviceBatch, domain: string): Tensor | null {
  const { fields, targetProperties } = task.predictor;
  for (const { name } of fields.outputs.filter((output) => output.domain === domain)) {
    const keys = [...targetProperties.filter((key) => key.replace(/_target$/, "") === name), `${name}_target`, name];
    const value = keys.map((key) => batch[key]).find((tensor) => tensor?.ndim === 3);
    if (value) return value;
  }
  return null;
}

/** Which points of each case the rows of an output are. */
function rowsOfOutput(
  task: PredictionTask,
  batch: DeviceBatch,
  domain: string,
  values: Tensor,
  given: Tensor,
): (index: number) => { readonly indices: readonly number[] } {
  const target = targetOf(task, batch, domain);
  if (target === null && values.size(1) === given.size(0)) {
    const indices = Array.from(given.dataSync() as BigInt64Array, Number);
    return () => ({ indices });
  }
  if (target === null || target.size(1) !== values.size(1))
    throw new RuntimeError(
      `expected targets of "${domain}" in the batch, one for each of the ${values.size(1)} predicted points, got ${target === null ? "none" : target.size(1)}: it cannot be told which points these are`,
    );
  const count = target.size(1);
  const numbers = Array.from(
    target.select(-1, 0).reshape([-1]).cpu().to("float64").contiguous().dataSync() as Float64Array, // (B · n)
  );
  const isPoint = (number: number): boolean => Number.isInteger(number) && number >= 0 && number < task.rows(domain);
  if (!numbers.every(isPoint))
    throw new ValueError(
      `the pipeline of the run changes the values of its targets ("${domain}"), so that it cannot be told which points a batch holds; give loadRun a pipeline that chooses points only`,
    );
  return (index) => ({ indices: numbers.slice(index * count, (index + 1) * count) });
}
