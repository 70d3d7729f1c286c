/** The archive that `torch.export.save` writes: a zip of JSON and of tensors as they lie in memory. */
import { native } from "../addon";
import { dtypeCode } from "../dtype";
import { wrap } from "../scope";
import { type Limits, readRecord, readStorage } from "../serialization/contents";
import { CheckpointError, damaged, printable, unsupported } from "../serialization/errors";
import { foreignFormat, foreignZip, SNIFF_LENGTH } from "../serialization/formats";
import type { Source } from "../serialization/source";
import type { Steps } from "../serialization/steps";
import { placeOf } from "../serialization/zip-checkpoint";
import { looksLikeZip, readZipDirectory, type ZipEntry } from "../serialization/zip/reader";
import type { Tensor } from "../tensor";
import { DTYPES } from "./interpreter";
import { list, object, own, parseJson, size, string, union, type JsonObject } from "./json";

const LIMITS: Limits = { verify: true, memoryLimit: 2 ** 30, unpackedLimit: 2 ** 34 };

/** An archive that has been opened. */
export interface Archive {
  readonly source: Source;
  /** By their names without the folder that all of them are in. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
}

/** @throws CheckpointError for a file that is no archive of programs */
export function openArchive(source: Source): Archive {
  const start = source.read(0, Math.min(source.size, SNIFF_LENGTH));
  if (!looksLikeZip(start)) throw refusal(foreignFormat(start, source.size));
  const all = readZipDirectory(source);
  const root = all[0]?.name.split("/")[0] ?? "";
  const names = all.map(({ name }) => name);
  const entries = new Map(
    all.flatMap((entry) => (entry.name.startsWith(`${root}/`) ? [[entry.name.slice(root.length + 1), entry]] : [])),
  );
  if (names.includes("serialized_exported_program.json"))
    throw refusal("one of torch.export before PyTorch 2.8: load it there and save it again with a later one");
  if (!entries.has("archive_format")) throw refusal(other(names, root));
  return { source, entries };
}

function other(names: readonly string[], root: string): string {
  if (names.includes(`${root}/constants.pkl`)) return "a TorchScript file: read it with torch.jit.load";
  if (names.includes(`${root}/data.pkl`)) return "weights without code (torch.save): read them with torch.load";
  return foreignZip(names);
}

function refusal(found: string): CheckpointError {
  return new CheckpointError(`expected a program (.pt2), written by torch.export.save, got ${found}`);
}

/** Names of the compiled models of a package of AOTInductor. */
export function compiledModels({ entries }: Archive): string[] {
  const found = [...entries.keys()].flatMap((name) => /^data\/aotinductor\/([^/]+)\/.*\.so$/.exec(name)?.[1] ?? []);
  return [...new Set(found)];
}

/** Names of the programs. */
export function programNames({ entries }: Archive): string[] {
  return [...entries.keys()].flatMap((name) => /^models\/([^/]+)\.json$/.exec(name)?.[1] ?? []);
}

/** The text of a record; null where there is none. */
export function readText({ source, entries }: Archive, name: string): string | null {
  const entry = entries.get(name);
  if (entry === undefined) return null;
  return Buffer.from(readRecord(source, placeOf(source, entry), LIMITS)).toString("utf8");
}

/** A tensor of the archive. */
export interface StoredTensor {
  readonly tensor: Tensor;
  readonly isParameter: boolean;
  readonly requiresGrad: boolean;
}

/**
 * The tensors that a config lists, `data/weights/model_weights_config.json`; tensors of one record share their memory.
 *
 * @param folder `data/weights` or `data/constants`
 */
export function* readTensors(archive: Archive, folder: string, config: string): Steps<Map<string, StoredTensor>> {
  const text = readText(archive, `${folder}/${config}`);
  const tensors = new Map<string, StoredTensor>();
  if (text === null) return tensors;
  const storages = new Map<string, number>();
  try {
    for (const [name, value] of Object.entries(
      object(own(object(parseJson(config, text), config), "config"), config),
    )) {
      const payload = object(value, name);
      if (own(payload, "use_pickle") === true)
        throw unsupported(
          `a program with ${printable(name)} as a pickled object`,
          "objects of Python are not loaded: export a model whose constants are tensors",
        );
      const meta = own(payload, "tensor_meta");
      if (meta === undefined || meta === null)
        throw unsupported(
          `a program with the constant ${printable(name)} that is no tensor`,
          "it has no counterpart here",
        );
      const path = string(own(payload, "path_name"), "path_name");
      let storage = storages.get(path);
      if (storage === undefined) {
        const entry = archive.entries.get(`${folder}/${path}`);
        if (entry === undefined) throw damaged(`an archive without the record ${printable(`${folder}/${path}`)}`);
        storage = yield* readStorage(archive.source, placeOf(archive.source, entry), LIMITS);
        storages.set(path, storage);
      }
      tensors.set(name, {
        tensor: tensorOver(storage, object(meta, name), name),
        isParameter: own(payload, "is_param") === true,
        requiresGrad: own(object(meta, name), "requires_grad") === true,
      });
    }
  } finally {
    for (const storage of storages.values()) native.free(storage);
  }
  return tensors;
}

function tensorOver(storage: number, meta: JsonObject, name: string): Tensor {
  if (own(meta, "layout") !== 7)
    throw unsupported(`a program with ${printable(name)} that is not strided`, "export dense weights");
  const code = own(meta, "dtype");
  const dtype = typeof code === "number" && Object.hasOwn(DTYPES, code) ? DTYPES[code] : undefined;
  if (dtype === undefined)
    throw damaged(`the dtype ${printable(JSON.stringify(code) ?? "nothing")} for ${printable(name)}`);
  const sizes = list(own(meta, "sizes"), "sizes").map(fixed);
  const strides = list(own(meta, "strides"), "strides").map(fixed);
  return wrap(native.archiveTensor(storage, dtypeCode(dtype)!, fixed(own(meta, "storage_offset")), sizes, strides));
}

function fixed(value: unknown): number {
  const [kind, content] = union(value, "a size");
  if (kind !== "as_int") throw damaged("a weight whose shape is not fixed");
  return size(content, "a size");
}
