import { checkOptions, device, text, type KindsOf } from "../arguments";
import { checkPath } from "../serialization/atomic";
import { about, aboutAsync, CheckpointError, damaged } from "../serialization/errors";
import { readFrom, readFromAsync, type Source } from "../serialization/source";
import type { Steps } from "../serialization/steps";
import { compiledModels, openArchive, programNames, readTensors, readText } from "./archive";
import { ExportedModule, type Loaded } from "./exported-module";
import { parseProgram } from "./program";

/** Options of {@link load}. */
export interface LoadProgramOptions {
  /** Where its tensors go, and those that it makes. Default: `"cpu"` */
  readonly device?: string;
  /** Which of several programs in one archive. Default: the only one, or `"model"` */
  readonly name?: string;
}

const OPTIONS = { device, name: text } satisfies KindsOf<LoadProgramOptions>;

/**
 * Loads a program that `torch.export.save` of Python (2.8 or later) wrote, with its weights: `torch.export.load`. Its graph of ATen's
 * operators is run here, without Python. A file can call these operators only, none that reaches files, and no code of its own; checksums
 * are compared first.
 *
 * @returns the program as a module
 * @throws CheckpointError for another kind of file, for a damaged one, and for programs with what is not run: operators of other
 *   libraries, objects of Python, operators that take graphs but `cond`
 */
export function load(path: string, options: LoadProgramOptions = {}, ...surplus: never[]): ExportedModule {
  checkPath(path);
  checkOptions("export.load", options, OPTIONS, surplus);
  const loaded = readFrom(path, false, (source) => read(source, options.name));
  return about(path, () => place(loaded, options));
}

/** {@link load} with the weights read on another thread. */
export async function loadAsync(
  path: string,
  options: LoadProgramOptions = {},
  ...surplus: never[]
): Promise<ExportedModule> {
  checkPath(path);
  checkOptions("export.loadAsync", options, OPTIONS, surplus);
  const loaded = await readFromAsync(path, false, (source) => read(source, options.name));
  return aboutAsync(path, async () => Promise.resolve(place(loaded, options)));
}

function place(loaded: Loaded, { device: target = "cpu" }: LoadProgramOptions): ExportedModule {
  const module = new ExportedModule(loaded, target);
  return target === "cpu" ? module : module.to(target);
}

function* read(source: Source, wanted: string | undefined): Steps<Loaded> {
  const archive = openArchive(source);
  const names = programNames(archive);
  if (names.length === 0) {
    const compiled = compiledModels(archive);
    if (compiled.length > 0)
      throw new CheckpointError(
        "expected a program of torch.export, got a package of AOTInductor, which is machine code: inductor.aotiLoadPackage(path, { trustNativeCode: true }) runs it",
      );
    throw damaged("an archive without a program");
  }
  const name = wanted ?? (names.length === 1 ? names[0]! : "model");
  if (!names.includes(name))
    throw new CheckpointError(`expected the name of a program in the archive (${names.join(", ")}), got ${name}`);
  const program = parseProgram(`models/${name}.json`, readText(archive, `models/${name}.json`)!);
  return {
    program,
    weights: yield* readTensors(archive, "data/weights", `${name}_weights_config.json`),
    constants: yield* readTensors(archive, "data/constants", `${name}_constants_config.json`),
  };
}
