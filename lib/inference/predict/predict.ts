import { ValueError } from "../../config/python-errors";
import { scope, type Tensor } from "../../torch";
import { anchoredNetwork, predictAnchored } from "./anchored";
import { FieldBuffers, type PredictedField } from "./field-buffers";
import { predictGrouped } from "./grouped";
import { PredictionCase, type PredictOptions, type Predictor } from "./prediction-case";
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
  const { chunkSize, seed = 0, signal } = options;
  if (chunkSize !== undefined && (!Number.isInteger(chunkSize) || chunkSize < 1))
    throw new ValueError(`chunkSize: expected a whole number from 1, got ${chunkSize}`);
  if (!Number.isInteger(seed)) throw new ValueError(`seed: expected a whole number, got ${seed}`);
  signal?.throwIfAborted();
  return scope(async () => {
    const task = new PredictionCase(predictor, inputs, seed);
    const buffers = new FieldBuffers(
      predictor.fields.outputs,
      (domain) => task.rows(domain),
      (name) => predictor.data.normalizerOf(name),
    );
    await evaluate(task, buffers, options);
    return buffers.finish();
  });
}

async function evaluate(task: PredictionCase, buffers: FieldBuffers, options: PredictOptions): Promise<void> {
  const network = anchoredNetwork(task.predictor.model);
  if (network !== null && (await predictAnchored(task, network, buffers, options))) return;
  const queries = queryKeys(task);
  if (queries.length > 0) return predictQueried(task, queries, buffers, options);
  return predictGrouped(task, buffers, options);
}
