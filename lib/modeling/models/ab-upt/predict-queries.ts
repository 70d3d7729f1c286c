import { setImmediate as nextTurn } from "node:timers/promises";
import { ValueError } from "../../../config/python-errors";
import { allTargets } from "../../../core/data-specs/model-data-specs";
import { cat, inferenceMode, scope } from "../../../torch";
import type { Tensor } from "../../../torch";
import type { AnchoredBranchedUPT, EncodedAnchors, Fields } from "./ab-upt";
import { positionsOf } from "./inputs";
import type { ABUPTInputs } from "./inputs";

/** Options of {@link predictQueries}. */
export interface PredictQueriesOptions {
  /** Points evaluated at a time; memory grows with it. Default 16384. */
  readonly chunkSize?: number;
  /** Called after every chunk. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  /** Stops between two chunks; the promise is then rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Fields at any number of query points, in chunks: geometry and anchors are computed once, their keys and values are used by every chunk,
 * so that memory stays bounded. The numbers are those of one {@link AnchoredBranchedUPT.forward} with all points at once.
 *
 * Evaluates without gradients and without dropout; the event loop gets a turn after each chunk.
 *
 * @param inputs as for `forward`; the query positions may hold millions of points
 * @returns the same mapping as `forward`, on the device of the model
 * @example
 * const fields = await predictQueries(model, { ...geometry, ...anchors, domain_query_positions: { volume: cells } }, {
 *   onProgress: ({ done, total }) => console.log(`${done} of ${total} points`),
 * });
 */
export async function predictQueries(
  model: AnchoredBranchedUPT,
  inputs: ABUPTInputs,
  options: PredictQueriesOptions = {},
): Promise<Fields> {
  const { chunkSize = 16384, onProgress, signal } = options;
  if (!Number.isInteger(chunkSize) || chunkSize < 1)
    throw new ValueError(`predictQueries: chunkSize must be a whole number from 1, got ${chunkSize}`);
  const queries = positionsOf(model.domains, inputs).flatMap(({ domain, queries }) =>
    queries ? [{ domain, position: queries }] : [],
  );
  const total = queries.reduce((sum, { position }) => sum + position.size(1), 0);
  const wasTraining = model.training;
  model.eval();
  let anchors: EncodedAnchors | null = null;
  try {
    anchors = inferenceMode(() => model.encodeAnchors(inputs));
    const fields: Fields = {};
    let done = 0;
    for (const { domain, position } of queries) {
      const chunks: Fields[] = [];
      for (let start = 0; start < position.size(1); start += chunkSize) {
        signal?.throwIfAborted();
        const count = Math.min(chunkSize, position.size(1) - start);
        chunks.push(inferenceMode(() => queryChunk(model, anchors!, domain, () => position.narrow(1, start, count))));
        done += count;
        onProgress?.({ done, total });
        await nextTurn();
      }
      Object.assign(fields, joinChunks(chunks));
    }
    return inFieldOrder(model, { ...anchors.fields, ...fields });
  } finally {
    anchors?.cache.dispose();
    model.train(wasTraining);
  }
}

/** Fields of one chunk as tensors of their own, so that nothing else of the chunk stays in memory. */
function queryChunk(
  model: AnchoredBranchedUPT,
  anchors: EncodedAnchors,
  domain: string,
  positions: () => Tensor,
): Fields {
  return scope(() => {
    const fields = model.query(anchors, { domain_query_positions: { [domain]: positions() } });
    return Object.fromEntries(Object.entries(fields).map(([field, values]) => [field, values.clone()]));
  });
}

function joinChunks(chunks: readonly Fields[]): Fields {
  const joined: Fields = {};
  for (const name of Object.keys(chunks[0] ?? {})) {
    joined[name] = inferenceMode(() =>
      cat(
        chunks.map((chunk) => chunk[name]!),
        1,
      ),
    );
    for (const chunk of chunks) chunk[name]!.dispose();
  }
  return joined;
}

/** The order of {@link AnchoredBranchedUPT.forward}: domain by domain, per field anchors, then queries. */
function inFieldOrder(model: AnchoredBranchedUPT, fields: Fields): Fields {
  const ordered: Fields = {};
  for (const name of allTargets(model.config.data_specs)) {
    for (const field of [name, `query_${name}`]) if (fields[field]) ordered[field] = fields[field];
  }
  return ordered;
}
