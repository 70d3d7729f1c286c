import { native } from "../addon";
import { checkOptions, flag, isPlainObject, positive, show, text, type KindsOf } from "../arguments";
import { guard, TorchError } from "../errors";
import { compiledModels, openArchive } from "../export/archive";
import { flatten, parseTreeSpec, type TreeSpec, unflatten } from "../export/tree-spec";
import type { NativePackage } from "../native";
import { wrap } from "../scope";
import { type Limits, readStorage } from "../serialization/contents";
import { about, aboutAsync, CheckpointError } from "../serialization/errors";
import { readFrom, readFromAsync, type Source } from "../serialization/source";
import { checkPath } from "../serialization/atomic";
import { placeOf } from "../serialization/zip-checkpoint";
import type { Steps } from "../serialization/steps";
import { Tensor } from "../tensor";

/** Options of {@link aotiLoadPackage}. */
export interface AotiLoadOptions {
  /** A package is machine code, which runs with all rights of this process: true says that its origin is known. */
  readonly trustNativeCode: true;
  /** Which of several models in the package. Default: `"model"` */
  readonly modelName?: string;
  /** Calls that may run at the same time, from several threads. Default: 1 */
  readonly numRunners?: number;
  /** Without locks, for calls from one thread only. Default: false */
  readonly runSingleThreaded?: boolean;
}

const OPTIONS = {
  trustNativeCode: flag,
  modelName: text,
  numRunners: positive,
  runSingleThreaded: flag,
} satisfies KindsOf<AotiLoadOptions>;
const LIMITS: Limits = { verify: true, memoryLimit: 2 ** 31, unpackedLimit: 2 ** 34 };

/**
 * Loads a package that `torch._inductor.aoti_compile_and_package` of Python wrote: `torch._inductor.aoti_load_package`. It was compiled
 * for one kind of CPU (or GPU) and for the libtorch of its PyTorch, which has to be the one in use here.
 *
 * The package is machine code: it can do whatever this process can. Its checksums are compared, and its inputs with those it was compiled
 * for; nothing else can be checked.
 *
 * @throws CheckpointError for another kind of file and for a damaged one, TypeError without `trustNativeCode: true`, TorchError where
 *   the system or libtorch does not take the code
 */
export function aotiLoadPackage(path: string, options: AotiLoadOptions, ...surplus: never[]): CompiledModel {
  const { modelName, single, runners } = read("aotiLoadPackage", path, options, surplus);
  readFrom(path, false, (source) => check(source, modelName));
  return CompiledModel.of(about(path, () => native.aotiLoad(path, modelName, single, runners, -1)));
}

/** {@link aotiLoadPackage} on another thread. */
export async function aotiLoadPackageAsync(
  path: string,
  options: AotiLoadOptions,
  ...surplus: never[]
): Promise<CompiledModel> {
  const { modelName, single, runners } = read("aotiLoadPackageAsync", path, options, surplus);
  await readFromAsync(path, false, (source) => check(source, modelName));
  return CompiledModel.of(await aboutAsync(path, () => native.aotiLoadAsync(path, modelName, single, runners, -1)));
}

function read(
  where: string,
  path: string,
  options: AotiLoadOptions,
  surplus: readonly never[],
): { modelName: string; single: boolean; runners: number } {
  checkPath(path);
  checkOptions(where, options, OPTIONS, [...surplus]);
  if ((options as AotiLoadOptions | undefined)?.trustNativeCode !== true)
    throw new TypeError(
      `${where}: expected { trustNativeCode: true }: the package is machine code that runs with all rights of this process`,
    );
  const { modelName = "model", runSingleThreaded: single = false, numRunners: runners = 1 } = options;
  return { modelName, single, runners };
}

function* check(source: Source, modelName: string): Steps<void> {
  const archive = openArchive(source);
  const models = compiledModels(archive);
  if (models.length === 0)
    throw new CheckpointError(
      "expected a package of AOTInductor, got a program of torch.export: read it with torch.export.load",
    );
  if (!models.includes(modelName))
    throw new CheckpointError(`expected the name of a model in the package (${models.join(", ")}), got ${modelName}`);
  for (const entry of archive.entries.values()) {
    if (/(?:^|\/)\.\.(?:\/|$)|^\//.test(entry.name))
      throw new CheckpointError("expected an intact file, got one with an entry outside of its folder");
    native.free(yield* readStorage(source, placeOf(source, entry), LIMITS));
  }
}

/** A compiled model. It records no gradients; from worker threads it is loaded by each. */
export class CompiledModel {
  readonly #package: NativePackage;
  readonly #inSpec: TreeSpec;
  readonly #outSpec: TreeSpec;
  /** What the compiler says of it. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Names of its weights. */
  readonly constantNames: readonly string[];

  private constructor(loaded: NativePackage) {
    this.#package = loaded;
    const { metadata, constants, callSpec } = guard("aotiLoadPackage", () => native.aotiInfo(loaded));
    this.metadata = new Map(metadata);
    this.constantNames = constants;
    const [inputs, outputs] = callSpec;
    this.#inSpec = parseTreeSpec(inputs ?? "", new Map());
    this.#outSpec = parseTreeSpec(outputs ?? "", new Map());
  }

  /** @internal */
  static of(loaded: NativePackage): CompiledModel {
    return new CompiledModel(loaded);
  }

  /** Runs the model on arguments by position. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what it returns is known by the file only
  forward(...inputs: unknown[]): any {
    return this.call(inputs);
  }

  /**
   * Runs the model.
   *
   * @param inputs by position, nested as in Python
   * @param named further ones by the names that they have in Python
   * @returns what the model returned: tuples and lists are arrays, dicts objects
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what it returns is known by the file only
  call(inputs: readonly unknown[], named: Readonly<Record<string, unknown>> = {}): any {
    if (!Array.isArray(inputs) || !isPlainObject(named))
      throw new TypeError(
        `call: expected a list of arguments, and others by name, got ${show(inputs)} and ${show(named)}`,
      );
    const leaves = flatten(this.#inSpec, [inputs, named], "the arguments");
    const handles = leaves.map((leaf) => {
      if (!(leaf instanceof Tensor)) throw new TypeError(`call: expected tensors, got ${show(leaf)}`);
      if (leaf.handle === 0) throw new TorchError("call: expected live tensors, got one that was disposed");
      return leaf.handle;
    });
    const results = guard("CompiledModel.call", () => native.aotiRun(this.#package, handles));
    return unflatten(this.#outSpec, results.map(wrap));
  }
}
