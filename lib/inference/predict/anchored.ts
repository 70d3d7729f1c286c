import { setImmediate as nextTurn } from "node:timers/promises";
import type { EncodedAnchors, Fields } from "../../modeling";
import { AnchoredBranchedUPT } from "../../modeling";
import { inferenceMode, keep, scope } from "../../torch";
import type { ModelBase } from "../../core/models";
import type { FieldBuffers } from "./field-buffers";
import type { PredictionCase, PredictOptions } from "./prediction-case";
import { DEFAULT_CHUNK } from "./prediction-case";

/** The one AB-UPT in a model; null without, or where there are several. */
export function anchoredNetwork(model: ModelBase): AnchoredBranchedUPT | null {
  const found = [...model.modules()].filter((module) => module instanceof AnchoredBranchedUPT);
  return found.length === 1 ? found[0]! : null;
}

/**
 * Computes geometry and anchors once, through the model as it stands around its network.
 *
 * @returns null when the model gives out other fields than its network, so that it has to be asked itself
 */
function encode(task: PredictionCase, network: AnchoredBranchedUPT): EncodedAnchors | null {
  const original = Object.getOwnPropertyDescriptor(network, "forward");
  let encoded: EncodedAnchors | null = null;
  let calls = 0;
  try {
    return scope(() => {
      const batch = task.forwardPart(task.batch());
      const anchorsOnly = Object.fromEntries(Object.entries(batch).filter(([key]) => !isQuery(key)));
      Object.defineProperty(network, "forward", {
        configurable: true,
        writable: true,
        enumerable: false,
        value: (inputs: Parameters<AnchoredBranchedUPT["encodeAnchors"]>[0]): Fields => {
          calls++;
          encoded = network.encodeAnchors(inputs);
          return encoded.fields;
        },
      });
      const output = inferenceMode(() => task.predictor.model.forward(anchorsOnly as never) as unknown);
      const made = encoded as EncodedAnchors | null;
      if (made !== null && calls === 1 && passesOn(output, made.fields)) return keep(made);
      made?.cache.dispose();
      return null;
    });
  } finally {
    if (original) Object.defineProperty(network, "forward", original);
    else delete (network as { forward?: unknown }).forward;
  }
}

function isQuery(key: string): boolean {
  return key.startsWith("query_") || key.endsWith("_query_position") || key === "domain_query_positions";
}

/** Whether a model gives out what its network gave it. */
function passesOn(output: unknown, fields: Fields): boolean {
  if (typeof output !== "object" || output === null) return false;
  const given = output as Fields;
  return Object.entries(fields).every(([name, value]) => given[name] === value);
}

/**
 * Fields at all points of a case by AB-UPT: anchors as the pipeline chooses them, all points as queries in chunks that attend to the
 * keys and values of geometry and anchors, which are computed once.
 *
 * @returns false when this model has to be evaluated in another way
 */
export async function predictAnchored(
  task: PredictionCase,
  network: AnchoredBranchedUPT,
  buffers: FieldBuffers,
  { chunkSize = DEFAULT_CHUNK, onProgress, signal }: PredictOptions,
): Promise<boolean> {
  const anchors = encode(task, network);
  if (anchors === null) return false;
  try {
    const { model, fields } = task.predictor;
    let done = 0;
    for (const domain of fields.domains) {
      const rows = task.rows(domain);
      for (let start = 0; start < rows; start += chunkSize) {
        signal?.throwIfAborted();
        const count = Math.min(chunkSize, rows - start);
        scope(() => {
          const positions = task.positions(domain).narrow(0, start, count).unsqueeze(0).to(model.device); // (1, n, P)
          const chunk = inferenceMode(() =>
            network.query(anchors, { domain_query_positions: { [domain]: positions } }),
          );
          for (const [name, values] of Object.entries(chunk))
            buffers.put(name.slice("query_".length), values, { start });
        });
        done += count;
        onProgress?.({ done, total: task.total });
        await nextTurn();
      }
    }
    return true;
  } finally {
    anchors.cache.dispose();
    for (const field of Object.values(anchors.fields)) field.dispose();
  }
}
