/** `torch.save` and `torch.load`: the zip archive with a pickle and one record per storage. */
import { basename } from "node:path";
import { getHeapStatistics } from "node:v8";
import { native } from "../addon";
import type { Device } from "../dtype";
import { checkPath, replaceFile } from "./atomic";
import { CheckpointError, about, aboutAsync, damaged } from "./errors";
import { SNIFF_LENGTH, foreignFormat, foreignZip } from "./formats";
import { printable } from "./pickle/globals";
import { unpickle } from "./pickle/machine";
import { materialize } from "./pickle/materialize";
import type { StorageNode } from "./pickle/nodes";
import { pickle } from "./pickle/writer";
import { readFrom, readFromAsync, type LoadedStorage, type Source, type SourceInput } from "./source";
import { perform, runAsync, runSync, type Steps } from "./steps";
import { StorageCollector, TensorBuilder, moveStorage } from "./tensors";
import { dataOffset, looksLikeZip, readZipDirectory, type ZipEntry } from "./zip/reader";
import { ALIGNMENT, ZipLayout } from "./zip/writer";

/** Options of {@link load}. */
export interface LoadOptions {
  /** Device of the loaded tensors, or a function from the saved location (`"cuda:0"`) to it. Default `"cpu"`. */
  readonly mapLocation?: Device | ((location: string) => Device);
  /**
   * Tensors lie in the mapped file: nothing is read before it is used, and writing to a tensor changes this process's copy
   * only. The file must not be changed in place while they live (files that {@link save} replaces are safe). Default false.
   */
  readonly mmap?: boolean;
  /** Compares the checksums of what is read. Default true; false for files that were written without them. */
  readonly verify?: boolean;
  /** Bytes of memory that everything beside the tensors may take. Default: half of what the JavaScript heap may grow to. */
  readonly memoryLimit?: number;
}

/** Options of {@link save}. */
export interface SaveOptions {
  /** Where the file goes in the end, if the caller renames it: the archive carries the name of it. Default: `path`. */
  readonly finalPath?: string;
}

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
export function save(value: unknown, path: string, options: SaveOptions = {}): void {
  about(path, () => runSync(saveSteps(value, path, options)));
}

/**
 * {@link save} with the disk work on another thread. What is saved is looked at at once, but the tensors' data are read
 * while they are written: do not change them before the promise is fulfilled.
 */
export async function saveAsync(value: unknown, path: string, options: SaveOptions = {}): Promise<void> {
  await aboutAsync(path, () => runAsync(saveSteps(value, path, options)));
}

function* saveSteps(value: unknown, path: string, { finalPath = path }: SaveOptions): Steps<void> {
  checkPath(path);
  const collector = new StorageCollector();
  try {
    const data = pickle(value, (tensor) => collector.describe(tensor));
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
 * Reads a file that `torch.save` or {@link save} wrote: plain data, containers and tensors. Nothing in the file is ever
 * executed; a file that mentions anything else is refused with the name of it.
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
export function load<T = unknown>(source: SourceInput, options: LoadOptions = {}): T {
  return readFrom(source, options.mmap ?? false, (opened) => loadSteps(opened, options)) as T;
}

/** {@link load} with the disk work on another thread. */
export async function loadAsync<T = unknown>(source: SourceInput, options: LoadOptions = {}): Promise<T> {
  return (await readFromAsync(source, options.mmap ?? false, (opened) => loadSteps(opened, options))) as T;
}

function* loadSteps(source: Source, options: LoadOptions): Steps<unknown> {
  const records = openArchive(source);
  const { verify = true, memoryLimit = getHeapStatistics().heap_size_limit / 2 } = options;
  const pickled = unpickle(records.bytes("data.pkl", memoryLimit, verify), memoryLimit);
  const storages = new Map<StorageNode, number>();
  try {
    for (const node of pickled.storages.values()) {
      const entry = records.entry(`data/${node.key}`);
      if (entry.byteLength < node.byteLength)
        throw damaged(`a storage ${printable(node.key)} of ${entry.byteLength} bytes where ${node.byteLength} are due`);
      const offset = dataOffset(source, entry);
      const loaded = yield* perform<LoadedStorage>({
        now: () => source.storage(offset, entry.byteLength),
        later: () => source.storageAsync(offset, entry.byteLength),
      });
      storages.set(node, loaded.handle);
      if (verify && loaded.crc32 !== null) checkSum(entry, loaded.crc32);
      const device = deviceOf(node, options);
      if (device !== "cpu") storages.set(node, moveStorage(loaded.handle, device));
    }
    return build(pickled.root, storages);
  } finally {
    native.freeMany([...storages.values()]);
  }
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

/** The records of a `torch.save` archive by their names without the root folder. */
interface Records {
  entry(name: string): ZipEntry;
  bytes(name: string, limit: number, verify: boolean): Uint8Array;
}

function openArchive(source: Source): Records {
  const start = source.read(0, Math.min(SNIFF_LENGTH, source.size));
  if (!looksLikeZip(start))
    throw new CheckpointError(`expected a file written by torch.save, got ${foreignFormat(start, source.size)}`);
  const entries = new Map(readZipDirectory(source).map((entry) => [entry.name, entry]));
  const names = [...entries.keys()];
  const root = names.find((name) => /^[^/]+\/data\.pkl$/.test(name))?.split("/")[0];
  if (root === undefined) throw new CheckpointError(`expected a file written by torch.save, got ${foreignZip(names)}`);
  if (entries.has(`${root}/constants.pkl`)) {
    throw new CheckpointError(
      `expected a file written by torch.save, got a TorchScript archive (torch.jit.save): load it in Python and save its state_dict()`,
    );
  }
  const records: Records = {
    entry: (name) => {
      const entry = entries.get(`${root}/${name}`);
      if (entry === undefined) throw damaged(`an archive without the record ${printable(name)}`);
      return entry;
    },
    bytes: (name, limit, verify) => {
      const entry = records.entry(name);
      if (entry.byteLength > limit)
        throw new CheckpointError(`expected a record ${name} of at most ${limit} bytes, got ${entry.byteLength}`);
      const bytes = source.read(dataOffset(source, entry), entry.byteLength);
      if (verify) checkSum(entry, native.archiveCrc32(bytes));
      return bytes;
    },
  };
  if (entries.has(`${root}/byteorder`)) {
    const order = Buffer.from(records.bytes("byteorder", SNIFF_LENGTH, false)).toString("latin1");
    if (order !== "little")
      throw new CheckpointError(`expected little-endian data, got the byte order ${printable(order)}`);
  }
  return records;
}

function checkSum(entry: ZipEntry, actual: number): void {
  if (actual === entry.crc32) return;
  throw damaged(
    `a record ${printable(entry.name)} whose checksum differs: the file is damaged (or was written without checksums; then pass { verify: false })`,
  );
}
