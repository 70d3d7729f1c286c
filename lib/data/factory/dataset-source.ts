import { getRngState, scope, Tensor, type SharedTensor } from "../../torch";
import { isPlainObject } from "../../torch/arguments";
import { isUserKind, loadKind } from "../../config/factory/load-kind";
import { construct } from "../../config/factory/construct";
import { Float } from "../../config/yaml/nodes";
import { lookupKind } from "../../config/registry";
import { sourceOfClass, type DatasetSource } from "../base/dataset-source";
import { describeObject } from "../base/describe-object";

export type { DatasetSource };

/** The pipeline that a worker gives a data set: that of a config (null: the default one), or none. */
export type PipelineSource = { readonly config: unknown } | null;

/** Why a worker cannot make a data set or pipeline. */
export class NoSourceError extends TypeError {
  override readonly name = "NoSourceError";
}

/** What an object was made from; asked for only if there are workers. */
const sources = new WeakMap<object, () => DatasetSource>();
const pipelines = new WeakMap<object, unknown>();

/** Notes that a data set came from a config, and the random numbers that its construction drew. */
export function noteDataset(dataset: object, config: unknown, randomState: Uint8Array): void {
  sources.set(dataset, () => ({ from: "config", config: plain(config, "its config"), randomState }));
}

/** Notes the config (null: none) of a pipeline. */
export function notePipeline(pipeline: object, config: unknown): void {
  pipelines.set(pipeline, config);
}

/**
 * A data set from a file, which worker threads can load as well: `datasetFromFile("./cars.ts#Cars", { root: "/data" })`. The
 * export is constructed (a class) or called (a function, which may be async) with the arguments, here and in every worker.
 *
 * @param kind - `./file.ts#Export`, relative to the working directory, or `package#Export`; TypeScript needs no build step
 * @param args - plain data
 * @throws KindError when the file or the export is missing
 */
export async function datasetFromFile<T extends object = object>(
  kind: string,
  ...args: readonly unknown[]
): Promise<T> {
  const randomState = currentRandomState();
  const dataset = (await construct(await fromFile(kind), args)) as T;
  sources.set(dataset, () => ({ from: "file", kind, args: plain(args, "its arguments") as unknown[], randomState }));
  return dataset;
}

/**
 * Where a data set comes from.
 *
 * @param share - shares a tensor with the worker that is told
 * @throws NoSourceError that says what a worker would need
 */
export function sourceOf(dataset: object, share: (tensor: Tensor) => SharedTensor): DatasetSource {
  const known = sources.get(dataset);
  if (known) return known();
  // subclasses may do anything, so only these very classes
  const describe = sourceOfClass(dataset.constructor);
  if (describe) return describe(dataset, { of: (inner) => sourceOf(inner, share), share });
  throw new NoSourceError(
    `a worker thread cannot make the data set ${describeObject(dataset)}, which was constructed in code: make it by datasetFromFile("./file.ts#${describeObject(dataset)}", …) or from a config (DatasetFactory), or load without workers`,
  );
}

/** Where a pipeline comes from. @throws NoSourceError */
export function pipelineSourceOf(pipeline: object | null): PipelineSource {
  if (pipeline === null) return null;
  if (typeof pipeline === "function")
    throw new NoSourceError(
      "a worker thread cannot be given a function that collates: name it by its file, ./collate.ts#pad, or load without workers",
    );
  if (!pipelines.has(pipeline))
    throw new NoSourceError(
      `a worker thread cannot make the pipeline ${describeObject(pipeline)}, which was constructed in code: make it from a config (createPipeline), or load without workers`,
    );
  return { config: plain(pipelines.get(pipeline), "the config of the pipeline") };
}

/** What `./file.ts#Export` or `package#Export` names. */
export async function fromFile<F extends (...args: never[]) => unknown>(kind: string): Promise<F> {
  if (!isUserKind(kind))
    throw new TypeError(`expected the name of an export, ./file.ts#Export or package#Export, received "${kind}"`);
  await loadKind(kind);
  return lookupKind(kind).class as F;
}

/** State of the default generator as plain bytes. */
export function currentRandomState(): Uint8Array {
  return scope(() => getRngState().bytes());
}

/** {@link plain} of a data set's config. */
export function plainConfig(config: object): unknown {
  return plain(config, "its config");
}

/**
 * A config as plain data: tensors become lists, classes of configs mappings.
 *
 * @throws NoSourceError for functions and for objects of a class
 */
function plain(value: unknown, where: string): unknown {
  if (value instanceof Float) return value.value;
  if (value instanceof Tensor) return value.to("float64").toArray();
  if (Array.isArray(value)) return value.map((item, index) => plain(item, `${where}[${index}]`));
  if (value instanceof Set) return [...(value as Set<unknown>)].map((item) => plain(item, where));
  if (isPlainObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, `${where}.${key}`)]));
  if (typeof value === "function" || typeof value === "symbol" || (typeof value === "object" && value !== null))
    throw new NoSourceError(
      `a worker thread cannot make this data set: ${where} is ${typeof value === "object" ? describeObject(value) : `a ${typeof value}`}, made in code; give its config, or load without workers`,
    );
  return value;
}
