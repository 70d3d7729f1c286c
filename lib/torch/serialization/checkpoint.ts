/** `torch.save` and `torch.load`. */
import { callable, checkOptions, device, either, flag, nonNegative, text, type KindsOf } from "../arguments";
import { basename } from "node:path";
import { getHeapStatistics } from "node:v8";
import { native } from "../addon";
import type { Device } from "../dtype";
import { checkPath, replaceFile } from "./atomic";
import { readStorage, type Contents, type Limits } from "./contents";
import { CheckpointError, about, aboutAsync } from "./errors";
import { SNIFF_LENGTH, foreignFormat } from "./formats";
import { looksLikeLegacy, readLegacyCheckpoint } from "./legacy-checkpoint";
import { materialize } from "./pickle/materialize";
import type { StorageNode } from "./pickle/nodes";
import { pickle } from "./pickle/writer";
import { readFrom, readFromAsync, type Source, type SourceInput } from "./source";
import { perform, runAsync, runSync, type Steps } from "./steps";
import { StorageCollector } from "./storage-collector";
import { readTarCheckpoint } from "./tar-checkpoint";
import { looksLikeTar } from "./tar/reader";
import { TensorBuilder } from "./tensor-builder";
import { moveStorage, swapBytes } from "./tensors";
import { looksLikeZip } from "./zip/reader";
import { ALIGNMENT, ZipLayout } from "./zip/writer";
import { readZipCheckpoint } from "./zip-checkpoint";

/** Options of {@link load}. */
export interface LoadOptions {
  /** Device of the loaded tensors, or a function from the saved location (`"cuda:0"`) to it. Default `"cpu"`. */
  readonly mapLocation?: Device | ((location: string) => Device);
  /**
   * Tensors lie in the mapped file: nothing is read before it is used, and writing to a tensor changes this process's copy
   * only. The file must not be changed in place while they live (files that {@link save} replaces are safe). Default false.
   * Only what lies in the file as memory needs it can be mapped: not deflated records, nor most of the legacy format.
   */
  readonly mmap?: boolean;
  /** Compares the checksums of what is read. Default true; false for files that were written without them. */
  readonly verify?: boolean;
  /** Bytes of memory that everything beside the tensors may take. Default: half of what the JavaScript heap may grow to. */
  readonly memoryLimit?: number;
  /**
   * Bytes that all deflated records together may unpack to: a small file can ask for a thousand times its size. Default:
   * 32 times the file's size, at least 256 MiB. (`torch.save` does not deflate.)
   */
  readonly unpackedLimit?: number;
}

/** Options of {@link save}. */
export interface SaveOptions {
  /** Where the file goes in the end, if the caller renames it: the archive carries the name of it. Default: `path`. */
  readonly finalPath?: string;
}

const SAVE = { finalPath: text } satisfies KindsOf<SaveOptions>;
const LOAD = {
  mapLocation: either(device, callable),
  mmap: flag,
  verify: flag,
  memoryLimit: nonNegative,
  unpackedLimit: nonNegative,
} satisfies KindsOf<LoadOptions>;

// ---- save

/**
 * Writes a value with the tensors in it to a file, as `torch.save` does: Python reads it with
 * `torch.load(path, weights_only=True)`. What Python types the values become is told in `python-values.ts`.
 *
 * Tensors that share memory share it in the file, and after loading. The file appears under its name when it is complete
 * and on disk; if anything fails, the previous file is untouched.
 *
 * @throws CheckpointError for a value that a checkpoint cannot hold (with the path to it), {@link TorchError} with code
 *   `ERR_DISK_FULL`, `ERR_FILE_NOT_FOUND` or `ERR_FILE` when the file cannot be written.
 * @example
 * save({ state_dict: model.stateDict(), training_iteration: { epoch: 2, update: 10, sample: 10 } }, "model.th");
 */
export function save(value: unknown, path: string, options: SaveOptions = {}, ...surplus: never[]): void {
  checkOptions("save", options, SAVE, surplus);
  about(path, () => runSync(saveSteps(value, path, options)));
}

/**
 * {@link save} with the disk work on another thread. What is saved is looked at at once, but the tensors' data are read
 * while they are written: do not change them before the promise is fulfilled.
 */
export async function saveAsync(
  value: unknown,
  path: string,
  options: SaveOptions = {},
  ...surplus: never[]
): Promise<void> {
  checkOptions("saveAsync", options, SAVE, surplus);
  await aboutAsync(path, () => runAsync(saveSteps(value, path, options)));
}

function* saveSteps(value: unknown, path: string, { finalPath = path }: SaveOptions): Steps<void> {
  checkPath(path);
  const collector = new StorageCollector();
  try {
    const data = pickle(value, collector);
    yield* replaceFile(path, (archive) => writeArchive(archive, archiveName(finalPath), data, collector));
  } finally {
    collector.dispose();
  }
}

function* writeArchive(archive: number, root: string, data: Uint8Array, { storages }: StorageCollector): Steps<void> {
  const layout = new ZipLayout();
  const record = (name: string, bytes: Uint8Array): void => {
    native.archiveAppend(archive, layout.begin(`${root}/${name}`, bytes.byteLength));
    native.archiveAppend(archive, layout.end(native.archiveAppend(archive, bytes)));
  };
  record("data.pkl", data);
  record(".format_version", Buffer.from("1"));
  record(".storage_alignment", Buffer.from(String(ALIGNMENT)));
  record("byteorder", Buffer.from("little"));
  for (const { key, handle, byteLength } of storages) {
    native.archiveAppend(archive, layout.begin(`${root}/data/${key}`, byteLength));
    const crc32 = yield* perform({
      now: () => native.archiveAppendStorage(archive, handle, 0, byteLength),
      later: () => native.archiveAppendStorageAsync(archive, handle, 0, byteLength),
    });
    native.archiveAppend(archive, layout.end(crc32));
  }
  record("version", Buffer.from("3\n"));
  record(".data/serialization_id", Buffer.from(layout.contentId()));
  native.archiveAppend(archive, layout.finish());
}

/** The folder inside the archive: the file's name without its last extension, as in PyTorch. */
function archiveName(path: string): string {
  const name = basename(path);
  const stem = name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : name;
  return stem === "" || !/^[\x20-\x7e]+$/.test(stem) ? "archive" : stem;
}

// ---- load

/**
 * Reads a file that `torch.save` of any version or {@link save} wrote: plain data, containers and tensors, as
 * `torch.load(path, weights_only=True)` does. Nothing in the file is ever executed; a file that mentions anything else is
 * refused with the name of it.
 *
 * The tensors belong to the scope that is open, as those of any other call. What JavaScript values the Python ones become
 * is told in `python-values.ts`; an `nn.Parameter` comes as `nn.Parameter`.
 *
 * @param source path of the file, or its bytes.
 * @throws CheckpointError when the file is of another format (the message says which), damaged, or holds other things;
 *   {@link TorchError} with code `ERR_FILE_NOT_FOUND` or `ERR_FILE` when it cannot be read.
 * @example
 * const checkpoint = load<{ state_dict: Map<string, Tensor> }>("model.th");
 * model.loadStateDict(checkpoint.state_dict);
 */
export function load<T = unknown>(source: SourceInput, options: LoadOptions = {}, ...surplus: never[]): T {
  checkOptions("load", options, LOAD, surplus);
  return readFrom(source, options.mmap ?? false, (opened) => loadSteps(opened, options)) as T;
}

/** {@link load} with the disk work on another thread. */
export async function loadAsync<T = unknown>(
  source: SourceInput,
  options: LoadOptions = {},
  ...surplus: never[]
): Promise<T> {
  checkOptions("loadAsync", options, LOAD, surplus);
  return (await readFromAsync(source, options.mmap ?? false, (opened) => loadSteps(opened, options))) as T;
}

function* loadSteps(source: Source, options: LoadOptions): Steps<unknown> {
  const limits: Limits = {
    verify: options.verify ?? true,
    memoryLimit: options.memoryLimit ?? getHeapStatistics().heap_size_limit / 2,
    unpackedLimit: options.unpackedLimit ?? Math.max(MIN_UNPACKED_LIMIT, MAX_RATIO * source.size),
  };
  const { root, places, parts, swapSize } = readContents(source, limits);
  const storages = new Map<StorageNode, number>();
  try {
    for (const [node, place] of places) {
      storages.set(node, yield* readStorage(source, place, limits));
      const size = swapSize(node);
      if (size > 1) storages.set(node, swapBytes(storages.get(node)!, size));
      const device = deviceOf(node, options);
      if (device !== "cpu") storages.set(node, moveStorage(storages.get(node)!, device));
    }
    for (const node of parts) {
      const { of, offset } = node.part!;
      storages.set(node, native.archiveSlice(storages.get(of)!, offset, node.byteLength));
    }
    return build(root, storages);
  } finally {
    native.freeMany([...storages.values()]);
  }
}

/** Deflated weights are hardly smaller than plain ones; what is much smaller is made of zeros. */
const MAX_RATIO = 32;
const MIN_UNPACKED_LIMIT = 2 ** 28;

function readContents(source: Source, limits: Limits): Contents {
  const start = source.read(0, Math.min(SNIFF_LENGTH, source.size));
  if (looksLikeZip(start)) return readZipCheckpoint(source, limits);
  if (looksLikeTar(start)) return readTarCheckpoint(source, limits);
  if (looksLikeLegacy(source)) return readLegacyCheckpoint(source, limits);
  throw new CheckpointError(`expected a file written by torch.save, got ${foreignFormat(start, source.size)}`);
}

function build(root: unknown, storages: ReadonlyMap<StorageNode, number>): unknown {
  const builder = new TensorBuilder(storages);
  try {
    return materialize(root, builder);
  } catch (error) {
    builder.dispose();
    throw error;
  }
}

function deviceOf(node: StorageNode, { mapLocation = "cpu" }: LoadOptions): Device {
  return typeof mapLocation === "function" ? mapLocation(node.location) : mapLocation;
}
