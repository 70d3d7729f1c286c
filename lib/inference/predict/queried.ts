import { setImmediate as nextTurn } from "node:timers/promises";
import type { DeviceBatch } from "../../core/interfaces/data";
import { scope, type Tensor } from "../../torch";
import type { FieldBuffers } from "./field-buffers";
import { DEFAULT_CHUNK, type PredictionTask, type PredictOptions } from "./prediction-task";

/** Batch keys of a domain's query positions and of their features, as far as the model reads them. */
interface QueryKeys {
  readonly domain: string;
  readonly position: string;
  readonly features: string | null;
}

/** The query positions that a model reads; empty where it has none. */
export function queryKeys(task: PredictionTask): QueryKeys[] {
  const { forwardProperties, fields } = task.predictor;
  return fields.domains.flatMap((domain) => {
    const names = [`query_${domain}_position`, `${domain}_query_position`];
    const position = names.find((name) => forwardProperties.includes(name));
    if (position === undefined) return [];
    const features = [`query_${domain}_features`, `${domain}_features`].find((name) =>
      forwardProperties.includes(name),
    );
    return [{ domain, position, features: features ?? null }];
  });
}

/**
 * Fields at all points of a case by a model that reads them at queries, in chunks; what is encoded stays that of the pipeline.
 */
export async function predictQueried(
  task: PredictionTask,
  keys: readonly QueryKeys[],
  buffers: FieldBuffers,
  { chunkSize = DEFAULT_CHUNK, onProgress, signal }: PredictOptions,
): Promise<void> {
  const whole: DeviceBatch = scope(() => task.forwardPart(task.batch()));
  const longest = Math.max(...keys.map(({ domain }) => task.rows(domain)));
  let done = 0;
  for (let start = 0; start < longest; start += chunkSize) {
    signal?.throwIfAborted();
    scope(() => {
      const batch = { ...whole };
      const counts = new Map<string, number>();
      for (const { domain, position, features } of keys) {
        // a domain that has no points left keeps one, which is computed and dropped
        const from = Math.min(start, task.rows(domain) - 1);
        const count = Math.min(chunkSize, task.rows(domain) - from);
        counts.set(domain, Math.max(0, Math.min(chunkSize, task.rows(domain) - start)));
        const part = (values: Tensor) => values.narrow(1, from, count).to(task.predictor.model.device); // (B, n, C)
        batch[position] = part(task.positions(domain));
        const values = task.features(domain);
        if (features !== null && values !== null) batch[features] = part(values);
      }
      const fields = task.evaluate(batch);
      for (const { name, domain } of task.predictor.fields.outputs) {
        const count = counts.get(domain) ?? 0;
        if (count > 0 && fields[name]) buffers.put(name, fields[name].narrow(1, 0, count), () => ({ start }));
      }
      for (const count of counts.values()) done += count;
    });
    onProgress?.({ done, total: task.total });
    await nextTurn();
  }
}
