import { ValueError } from "../../config/python-errors";
import { scope, type Tensor } from "../../torch";
import { anchoredNetwork, predictAnchored } from "./anchored";
import { FieldBuffers, type PredictedField } from "./field-buffers";
import { predictGrouped } from "./grouped";
import { collatesAlike } from "./collate-alike";
import { DEFAULT_CHUNK, PredictionTask, type PredictOptions, type Predictor } from "./prediction-task";
import { predictQueried, queryKeys } from "./queried";

/**
 * Fields at all points of a case, in physical units.
 *
 * @param inputs as `readInputs` gives them; they stay as they are
 */
export async function predictCase(
  predictor: Predictor,
  inputs: ReadonlyMap<string, Tensor>,
  options: PredictOptions,
): Promise<Record<string, PredictedField>> {
  checkOptions(options);
  return (await evaluated(predictor, [inputs], options))[0]!;
}

/**
 * The same for several cases. Small ones of the same shapes are computed as one batch, which gives the same fields up to rounding.
 *
 * @returns of each case its fields, or what is wrong with it
 */
export async function predictCases(
  predictor: Predictor,
  cases: readonly ReadonlyMap<string, Tensor>[],
  options: PredictOptions,
): Promise<PromiseSettledResult<Record<string, PredictedField>>[]> {
  checkOptions(options);
  if (cases.length > 1 && fitTogether(predictor, cases, options)) {
    try {
      const fields = await evaluated(predictor, cases, options);
      return fields.map((value) => ({ status: "fulfilled", value }));
    } catch {
      // one of them may be at fault: alone they tell which
      options.signal?.throwIfAborted();
    }
  }
  const results: PromiseSettledResult<Record<string, PredictedField>>[] = [];
  for (const inputs of cases) results.push(...(await Promise.allSettled([predictCase(predictor, inputs, options)])));
  return results;
}

/** Points beyond which a batch gains nothing: what saves time is fewer calls, and activations no longer fit the caches of the processor. */
const BATCH_POINTS = 2048;

/** Whether cases can be one batch: the same shapes, few points, and a pipeline that treats samples one by one. */
function fitTogether(
  { data }: Predictor,
  cases: readonly ReadonlyMap<string, Tensor>[],
  { chunkSize = DEFAULT_CHUNK }: PredictOptions,
): boolean {
  const shapes = cases.map((inputs) => [...inputs].map(([name, { shape }]) => `${name} ${shape.join()}`).join(" "));
  const rows = [...cases[0]!.values()].reduce((sum, { shape }) => sum + shape[0]!, 0);
  return (
    cases.length * rows <= Math.min(chunkSize, BATCH_POINTS) &&
    shapes.every((each) => each === shapes[0]) &&
    collatesAlike(data.pipeline)
  );
}

function checkOptions({ chunkSize, seed = 0, signal }: PredictOptions): void {
  if (chunkSize !== undefined && (!Number.isInteger(chunkSize) || chunkSize < 1))
    throw new ValueError(`chunkSize: expected a whole number from 1, got ${chunkSize}`);
  if (!Number.isInteger(seed)) throw new ValueError(`seed: expected a whole number, got ${seed}`);
  signal?.throwIfAborted();
}

async function evaluated(
  predictor: Predictor,
  cases: readonly ReadonlyMap<string, Tensor>[],
  options: PredictOptions,
): Promise<Record<string, PredictedField>[]> {
  return scope(async () => {
    const task = new PredictionTask(predictor, cases, options.seed ?? 0);
    const buffers = new FieldBuffers(
      task.size,
      predictor.fields.outputs,
      (domain) => task.rows(domain),
      (name) => predictor.data.normalizerOf(name),
      predictor.dtype,
    );
    await evaluate(task, buffers, options);
    return buffers.finish();
  });
}

async function evaluate(task: PredictionTask, buffers: FieldBuffers, options: PredictOptions): Promise<void> {
  const network = anchoredNetwork(task.predictor.model);
  if (network !== null && (await predictAnchored(task, network, buffers, options))) return;
  const queries = queryKeys(task);
  if (queries.length > 0) return predictQueried(task, queries, buffers, options);
  return predictGrouped(task, buffers, options);
}
