import { setImmediate as nextTurn } from "node:timers/promises";
import type { EncodedAnchors, Fields } from "../../modeling";
import { AnchoredBranchedUPT } from "../../modeling";
import { inferenceMode, keep, scope } from "../../torch";
import type { ModelBase } from "../../core/models";
import type { FieldBuffers } from "./field-buffers";
import type { PredictionTask, PredictOptions } from "./prediction-task";
import { DEFAULT_CHUNK } from "./prediction-task";

/** The one AB-UPT in a model; null without, where there are several, and where it is a subclass with another `forward`. */
export function anchoredNetwork(model: ModelBase): AnchoredBranchedUPT | null {
  const found = [...model.modules()].filter((module) => module instanceof AnchoredBranchedUPT);
  const [network] = found;
  if (network === undefined || found.length > 1) return null;
  // a subclass may compute anything in a forward of its own
  const isKnown = Reflect.get(network, "forward") === Reflect.get(AnchoredBranchedUPT.prototype, "forward");
  return isKnown ? network : null;
}

/** What a network's `forward` is called with. */
type NetworkInputs = Parameters<AnchoredBranchedUPT["encodeAnchors"]>[0];

/**
 * Runs the model as it stands around its network, with other work in place of the network's own.
 *
 * @param work gets the inputs at which the network is asked for its anchors; gives the fields at the anchors
 * @returns false when the model gives out other fields than its network, so that it has to be asked itself
 */
function throughModel(
  task: PredictionTask,
  network: AnchoredBranchedUPT,
  work: (inputs: NetworkInputs) => Fields,
): boolean {
  const original = Object.getOwnPropertyDescriptor(network, "forward");
  let fields: Fields | null = null;
  let calls = 0;
  try {
    const batch = task.forwardPart(task.batch());
    const anchorsOnly = Object.fromEntries(Object.entries(batch).filter(([key]) => !isQuery(key)));
    Object.defineProperty(network, "forward", {
      configurable: true,
      writable: true,
      enumerable: false,
      value: (inputs: NetworkInputs): Fields => {
        calls++;
        return (fields = work(inputs));
      },
    });
    const output = inferenceMode(() => task.predictor.model.forward(anchorsOnly as never) as unknown);
    return fields !== null && calls === 1 && passesOn(output, fields);
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
 * Fields at all points of cases by AB-UPT: anchors as the pipeline chooses them, all points as queries. Where these are few, all is one
 * call; else they come in chunks that attend to the keys and values of geometry and anchors, which are computed once.
 *
 * @returns false when this model has to be evaluated in another way
 */
export async function predictAnchored(
  task: PredictionTask,
  network: AnchoredBranchedUPT,
  buffers: FieldBuffers,
  options: PredictOptions,
): Promise<boolean> {
  const { chunkSize = DEFAULT_CHUNK, onProgress } = options;
  if (task.size * task.total > chunkSize) return inChunks(task, network, buffers, options);
  if (!atOnce(task, network, buffers)) return false;
  onProgress?.({ done: task.total, total: task.total });
  await nextTurn();
  return true;
}

/** Anchors and queries side by side, which saves passes over the blocks: what a small case takes is the calls. */
function atOnce(task: PredictionTask, network: AnchoredBranchedUPT, buffers: FieldBuffers): boolean {
  return scope(() => {
    const { model, fields } = task.predictor;
    const domains = fields.domains.filter((domain) => task.rows(domain) > 0);
    const queries = Object.fromEntries(domains.map((domain) => [domain, task.positions(domain).to(model.device)]));
    let found: Fields = {};
    const isPassed = throughModel(task, network, (inputs) => {
      const all = AnchoredBranchedUPT.prototype.forward.call(network, { ...inputs, domain_query_positions: queries });
      const isAtQueries = ([name]: [string, unknown]): boolean => name.startsWith("query_");
      found = Object.fromEntries(Object.entries(all).filter(isAtQueries));
      return Object.fromEntries(Object.entries(all).filter((entry) => !isAtQueries(entry)));
    });
    if (isPassed)
      for (const [name, values] of Object.entries(found))
        buffers.put(name.slice("query_".length), values, () => ({ start: 0 }));
    return isPassed;
  });
}

async function inChunks(
  task: PredictionTask,
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
          const positions = task.positions(domain).narrow(1, start, count).to(model.device); // (B, n, P)
          const chunk = inferenceMode(() =>
            network.query(anchors, { domain_query_positions: { [domain]: positions } }),
          );
          for (const [name, values] of Object.entries(chunk))
            buffers.put(name.slice("query_".length), values, () => ({ start }));
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

/** Geometry and anchors, computed once; null where the model has to be asked itself. */
function encode(task: PredictionTask, network: AnchoredBranchedUPT): EncodedAnchors | null {
  return scope(() => {
    let encoded: EncodedAnchors | null = null;
    const isPassed = throughModel(task, network, (inputs) => (encoded = network.encodeAnchors(inputs)).fields);
    const made = encoded as EncodedAnchors | null;
    if (isPassed) return keep(made);
    made?.cache.dispose();
    return null;
  });
}
