import { checkOptions, device, type KindsOf } from "../arguments";
import { native } from "../addon";
import { checkPath } from "../serialization/atomic";
import { type Limits, readStorage } from "../serialization/contents";
import { about, aboutAsync, CheckpointError } from "../serialization/errors";
import { foreignFormat, foreignZip, SNIFF_LENGTH } from "../serialization/formats";
import { readFrom, readFromAsync, type Source } from "../serialization/source";
import type { Steps } from "../serialization/steps";
import { placeOf } from "../serialization/zip-checkpoint";
import { looksLikeZip, readZipDirectory } from "../serialization/zip/reader";
import { ScriptModule } from "./script-module";

/** Options of {@link load}. */
export interface LoadScriptOptions {
  /** Where its tensors go. Default: `"cpu"` */
  readonly device?: string;
}

const OPTIONS = { device } satisfies KindsOf<LoadScriptOptions>;
const LIMITS: Limits = { verify: true, memoryLimit: 2 ** 31, unpackedLimit: 2 ** 34 };

/**
 * Loads a TorchScript file, which holds weights and code: `torch.jit.load`. The model's Python source is not needed.
 *
 * The file is code that libtorch runs, so load only what you trust. Its checksums are compared first, so that a damaged file is
 * an error.
 *
 * @throws CheckpointError for another kind of file and for a damaged one, TorchError for code that libtorch refuses
 */
export function load(path: string, options: LoadScriptOptions = {}, ...surplus: never[]): ScriptModule {
  const target = read("jit.load", path, options, surplus);
  readFrom(path, false, check);
  return ScriptModule.of(about(path, () => native.scriptLoad(path, target)));
}

/** {@link load} on another thread. */
export async function loadAsync(
  path: string,
  options: LoadScriptOptions = {},
  ...surplus: never[]
): Promise<ScriptModule> {
  const target = read("jit.loadAsync", path, options, surplus);
  await readFromAsync(path, false, check);
  return ScriptModule.of(await aboutAsync(path, () => native.scriptLoadAsync(path, target)));
}

function read(where: string, path: string, options: LoadScriptOptions, surplus: readonly never[]): string {
  checkPath(path);
  checkOptions(where, options, OPTIONS, [...surplus]);
  return options.device ?? "cpu";
}

/** Whether libtorch can make something of the file, and whether all of it is as it was written. */
function* check(source: Source): Steps<void> {
  const start = source.read(0, Math.min(source.size, SNIFF_LENGTH));
  if (!looksLikeZip(start)) throw refusal(foreignFormat(start, source.size));
  const entries = readZipDirectory(source);
  const names = entries.map(({ name }) => name);
  const root = names[0]?.split("/")[0] ?? "";
  if (!names.includes(`${root}/constants.pkl`)) throw refusal(otherArchive(names, root));
  for (const entry of entries) native.free(yield* readStorage(source, placeOf(source, entry), LIMITS));
}

/** What an archive without TorchScript's constants is. */
function otherArchive(names: readonly string[], root: string): string {
  if (names.some((name) => /(^|\/)(archive_format|serialized_exported_program\.json)$/.test(name)))
    return "a .pt2 file: read a program of torch.export with torch.export.load, and a package of AOTInductor with torch.inductor.aotiLoadPackage";
  if (names.includes(`${root}/data.pkl`))
    return "weights without code (torch.save): read them with torch.load, or save the model with torch.jit.script(model).save(path) in Python";
  return foreignZip(names);
}

function refusal(found: string): CheckpointError {
  return new CheckpointError(`expected a TorchScript file, written by torch.jit.save, got ${found}`);
}
