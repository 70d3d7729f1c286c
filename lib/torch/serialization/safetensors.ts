/**
 * safetensors files: 8 bytes of header length, a JSON header, the tensors' bytes one after the other.
 * Format: https://huggingface.co/docs/safetensors (the checks are those of its reference implementation).
 */
import { types } from "node:util";
import { checkOptions, device, flag, isPlainObject, type KindsOf } from "../arguments";
import { native } from "../addon";
import { dtypeCode, itemSize, type Device, type DType } from "../dtype";
import { scope, wrap } from "../scope";
import { Tensor } from "../tensor";
import { checkPath, replaceFile } from "./atomic";
import { CheckpointError, about, aboutAsync, damaged, printable } from "./errors";
import { SNIFF_LENGTH, foreignFormat, looksLikeSafetensors } from "./formats";
import { readFrom, readFromAsync, type LoadedStorage, type Source, type SourceInput } from "./source";
import { perform, runAsync, runSync, type Steps } from "./steps";
import { holdTensors, moveStorage } from "./tensors";
import { looksLikeZip } from "./zip/reader";

/** The format's names of the dtypes. */
const NAMES = {
  BOOL: "bool",
  // two elements a byte here, one in the header's shapes
  F4: "float4_e2m1fn_x2",
  U8: "uint8",
  I8: "int8",
  F8_E5M2: "float8_e5m2",
  F8_E4M3: "float8_e4m3fn",
  F8_E8M0: "float8_e8m0fnu",
  F8_E4M3FNUZ: "float8_e4m3fnuz",
  F8_E5M2FNUZ: "float8_e5m2fnuz",
  I16: "int16",
  U16: "uint16",
  F16: "float16",
  BF16: "bfloat16",
  I32: "int32",
  U32: "uint32",
  F32: "float32",
  C64: "complex64",
  F64: "float64",
  I64: "int64",
  U64: "uint64",
} as const satisfies Record<string, DType>;

const NAME_BY_DTYPE: ReadonlyMap<DType, string> = new Map(Object.entries(NAMES).map(([name, dtype]) => [dtype, name]));

/** Dtypes of the format that PyTorch has no tensors for. */
const WITHOUT_TENSORS = new Set(["F6_E2M3", "F6_E3M2"]);

/** The longest header that the reference implementation reads. */
const MAX_HEADER = 100_000_000;
const PREFIX = 8;
const HEADER_ALIGNMENT = 8;
const METADATA = "__metadata__";
const MAX_DIMS = 64;

/** Content of a safetensors file. */
export interface SafetensorsFile {
  /** In the order of the data in the file. */
  readonly tensors: Map<string, Tensor>;
  /** The header's `__metadata__`; empty when there is none. */
  readonly metadata: Record<string, string>;
}

/** Options of {@link loadSafetensors}. */
export interface LoadSafetensorsOptions {
  /** Default `"cpu"`. */
  readonly device?: Device;
  /** As for `load`: tensors lie in the mapped file, copy-on-write. Default false. */
  readonly mmap?: boolean;
}

/** Options of {@link saveSafetensors}. */
export interface SaveSafetensorsOptions {
  readonly metadata?: Readonly<Record<string, string>>;
}

const SAVE = {
  metadata: { text: "an object of strings", accepts: isPlainObject },
} satisfies KindsOf<SaveSafetensorsOptions>;
const LOAD = { device, mmap: flag } satisfies KindsOf<LoadSafetensorsOptions>;

// ---- save

/**
 * Writes tensors to a safetensors file. Tensors that share memory are written each for itself. The file appears under its
 * name when it is complete and on disk; if anything fails, the previous file is untouched.
 *
 * @param tensors by name: a map (a state dict) or an object.
 * @throws CheckpointError for what the format cannot hold; {@link TorchError} when the file cannot be written.
 */
export function saveSafetensors(
  tensors: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
  path: string,
  options: SaveSafetensorsOptions = {},
  ...surplus: never[]
): void {
  checkOptions("saveSafetensors", options, SAVE, surplus);
  about(path, () => runSync(saveSteps(tensors, path, options)));
}

/** {@link saveSafetensors} with the disk work on another thread; do not change the tensors before the promise is fulfilled. */
export async function saveSafetensorsAsync(
  tensors: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
  path: string,
  options: SaveSafetensorsOptions = {},
  ...surplus: never[]
): Promise<void> {
  checkOptions("saveSafetensorsAsync", options, SAVE, surplus);
  await aboutAsync(path, () => runAsync(saveSteps(tensors, path, options)));
}

function* saveSteps(
  tensors: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
  path: string,
  { metadata }: SaveSafetensorsOptions,
): Steps<void> {
  checkPath(path);
  const named: [string, Tensor][] = types.isMap(tensors)
    ? [...(tensors as ReadonlyMap<string, Tensor>)]
    : Object.entries(tensors as Readonly<Record<string, Tensor>>);
  for (const [name, tensor] of named) checkTensor(name, tensor);
  checkMetadata(metadata);
  // the widest elements first: then all of them are aligned
  named.sort(([a, first], [b, second]) => itemSize(second.dtype) - itemSize(first.dtype) || (a < b ? -1 : 1));
  const header = encodeHeader(named, metadata);
  const held = holdTensors(named.map(([, tensor]) => tensor));
  try {
    yield* replaceFile(path, function* (archive) {
      native.archiveAppend(archive, header);
      for (const tensor of held) yield* append(archive, tensor);
    });
  } finally {
    for (const tensor of held) tensor.dispose();
  }
}

function* append(archive: number, tensor: Tensor): Steps<void> {
  const isPlain = tensor.isContiguous() && !native.archiveIsLazy(tensor.handle);
  const plain = isPlain ? tensor : scope(() => tensor.resolveConj().resolveNeg().contiguous());
  try {
    const size = itemSize(plain.dtype);
    const [offset, length] = [plain.storageOffset() * size, plain.numel() * size];
    yield* perform({
      now: () => native.archiveAppendStorage(archive, plain.handle, offset, length),
      later: () => native.archiveAppendStorageAsync(archive, plain.handle, offset, length),
    });
  } finally {
    if (plain !== tensor) plain.dispose();
  }
}

function checkTensor(name: string, tensor: Tensor): void {
  if (name === METADATA)
    throw new CheckpointError(`expected a name for a tensor, got ${METADATA}, which safetensors keeps for itself`);
  if (!(tensor instanceof Tensor))
    throw new CheckpointError(`expected a tensor for "${name}", got ${tensor === null ? "null" : typeof tensor}`);
  if (!NAME_BY_DTYPE.has(tensor.dtype))
    throw new CheckpointError(`expected a dtype that safetensors has for "${name}", got ${tensor.dtype}`);
  const kind = native.archiveKind(tensor.handle);
  if (kind !== "dense") throw new CheckpointError(`expected a dense tensor for "${name}", got one of the kind ${kind}`);
  if (isPacked(tensor.dtype) && tensor.dim() === 0)
    throw new CheckpointError(`expected a dimension to hold the pairs of ${tensor.dtype} for "${name}", got none`);
}

function isPacked(dtype: DType): boolean {
  return dtype === "float4_e2m1fn_x2";
}

/** A shape in elements of half a byte. */
function unpackedShape(shape: readonly number[]): number[] {
  return shape.map((size, d) => (d === shape.length - 1 ? 2 * size : size));
}

function checkMetadata(metadata: Readonly<Record<string, string>> | undefined): void {
  for (const [key, value] of Object.entries(metadata ?? {})) {
    if (typeof value !== "string")
      throw new CheckpointError(`expected a string for the metadata "${key}", got ${typeof value}`);
  }
}

function encodeHeader(
  named: readonly [string, Tensor][],
  metadata: Readonly<Record<string, string>> | undefined,
): Uint8Array {
  let offset = 0;
  const entries = named.map(([name, tensor]): [string, unknown] => {
    const begin = offset;
    offset += tensor.numel() * itemSize(tensor.dtype);
    const shape = isPacked(tensor.dtype) ? unpackedShape(tensor.shape) : tensor.shape;
    return [name, { dtype: NAME_BY_DTYPE.get(tensor.dtype), shape, data_offsets: [begin, offset] }];
  });
  // by hand: an object would move names like "0" to the front, and "__proto__" out of sight
  const all: [string, unknown][] = metadata === undefined ? entries : [[METADATA, metadata], ...entries];
  const json = Buffer.from(
    `{${all.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(",")}}`,
    "utf8",
  );
  const length = Math.ceil(json.length / HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
  const header = Buffer.alloc(PREFIX + length, " ");
  header.writeBigUInt64LE(BigInt(length), 0);
  json.copy(header, PREFIX);
  return header;
}

// ---- load

/**
 * Reads a safetensors file.
 *
 * @param source path of the file, or its bytes.
 * @throws CheckpointError when the file is of another format (the message says which) or damaged; {@link TorchError} when
 *   it cannot be read.
 * @example
 * const { tensors, metadata } = loadSafetensors("weights.safetensors");
 * model.loadStateDict(tensors);
 */
export function loadSafetensors(
  source: SourceInput,
  options: LoadSafetensorsOptions = {},
  ...surplus: never[]
): SafetensorsFile {
  checkOptions("loadSafetensors", options, LOAD, surplus);
  return readFrom(source, options.mmap ?? false, (opened) => loadSteps(opened, options));
}

/** {@link loadSafetensors} with the disk work on another thread. */
export async function loadSafetensorsAsync(
  source: SourceInput,
  options: LoadSafetensorsOptions = {},
  ...surplus: never[]
): Promise<SafetensorsFile> {
  checkOptions("loadSafetensorsAsync", options, LOAD, surplus);
  return readFromAsync(source, options.mmap ?? false, (opened) => loadSteps(opened, options));
}

interface Entry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function* loadSteps(source: Source, { device = "cpu" }: LoadSafetensorsOptions): Steps<SafetensorsFile> {
  const { entries, metadata, dataOffset } = readHeader(source);
  const loaded: { entry: Entry; handle: number }[] = [];
  const tensors = new Map<string, Tensor>();
  try {
    for (const entry of entries) {
      const { begin, end } = entry;
      const storage = yield* perform<LoadedStorage>({
        now: () => source.storage(dataOffset + begin, end - begin),
        later: () => source.storageAsync(dataOffset + begin, end - begin),
      });
      loaded.push({ entry, handle: device === "cpu" ? storage.handle : moveStorage(storage.handle, device) });
    }
    // all at once, so that asynchronous loading puts all tensors into the same scope
    for (const { entry, handle } of loaded) {
      tensors.set(
        entry.name,
        wrap(native.archiveTensor(handle, dtypeCode(entry.dtype), 0, entry.shape, contiguousStrides(entry.shape))),
      );
    }
  } catch (error) {
    for (const tensor of tensors.values()) tensor.dispose();
    throw error;
  } finally {
    native.freeMany(loaded.map(({ handle }) => handle));
  }
  return { tensors, metadata };
}

function readHeader(source: Source): { entries: Entry[]; metadata: Record<string, string>; dataOffset: number } {
  const start = source.read(0, Math.min(SNIFF_LENGTH, source.size));
  if (looksLikeZip(start))
    throw new CheckpointError("expected a safetensors file, got a zip archive (torch.save?): read it with load");
  if (!looksLikeSafetensors(start, source.size))
    throw new CheckpointError(`expected a safetensors file, got ${foreignFormat(start, source.size)}`);
  const length = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER) throw damaged(`a header of ${length} bytes, more than the format's limit of ${MAX_HEADER}`);
  const dataOffset = PREFIX + length;
  const header = parseJson(source.read(PREFIX, length));
  if (!isObject(header)) throw damaged("a header that is no JSON object");

  const entries: Entry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === METADATA) metadata = readMetadata(value);
    else entries.push(readEntry(name, value));
  }
  checkRanges(entries, source.size - dataOffset);
  return { entries, metadata, dataOffset };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new CheckpointError("expected an intact file, got a header that is no JSON", { cause: error });
  }
}

function readMetadata(value: unknown): Record<string, string> {
  if (value === null) return {}; // as the reference implementation has it
  if (!isObject(value) || !Object.values(value).every((entry) => typeof entry === "string"))
    throw damaged("metadata that are no map of strings");
  return value as Record<string, string>;
}

function readEntry(name: string, value: unknown): Entry {
  const { dtype, shape, data_offsets: range } = isObject(value) ? value : {};
  if (
    typeof dtype !== "string" ||
    !isSizes(shape) ||
    !isSizes(range) ||
    range.length !== 2 ||
    shape.length > MAX_DIMS
  ) {
    throw damaged(`a tensor ${printable(name)} without dtype, shape or data_offsets`);
  }
  if (WITHOUT_TENSORS.has(dtype))
    throw new CheckpointError(
      `expected dtypes that PyTorch has, got ${dtype} for ${printable(name)}; convert the tensor to F8 or F16 first`,
    );
  if (!Object.hasOwn(NAMES, dtype))
    throw new CheckpointError(`expected a known dtype for ${printable(name)}, got ${printable(dtype)}`);
  const known = NAMES[dtype as keyof typeof NAMES];
  return isPacked(known) ? entryOf(name, known, packedShape(name, shape), range) : entryOf(name, known, shape, range);
}

/** A shape in bytes of two elements. */
function packedShape(name: string, shape: readonly number[]): number[] {
  const last = shape.at(-1);
  if (last === undefined || last % 2 !== 0)
    throw new CheckpointError(
      `expected an even last size for ${printable(name)}, whose F4 elements lie two in a byte, got the shape [${shape.join(", ")}]`,
    );
  return shape.map((size, d) => (d === shape.length - 1 ? size / 2 : size));
}

function entryOf(name: string, known: DType, shape: readonly number[], range: readonly number[]): Entry {
  const [begin, end] = range as [number, number];
  // bigints: the product of hostile sizes leaves the exact range
  const bytes = shape.reduce((product, size) => product * BigInt(size), BigInt(itemSize(known)));
  const reach = shape.reduce((product, size) => product * BigInt(Math.max(size, 1)), 1n);
  if (reach > BigInt(Number.MAX_SAFE_INTEGER))
    throw damaged(`a tensor ${printable(name)} with sizes above 2^53 elements`);
  if (end < begin || BigInt(end - begin) !== bytes)
    throw damaged(`a tensor ${printable(name)} of ${bytes} bytes with a range of ${end - begin}`);
  return { name, dtype: known, shape, begin, end };
}

/** The tensors fill the data without gaps and without sharing bytes: nothing is hidden, and nothing is read twice. */
function checkRanges(entries: Entry[], dataLength: number): void {
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== position)
      throw damaged(
        `a tensor ${printable(name)} that ${begin < position ? "overlaps another" : "leaves a gap before it"}`,
      );
    position = end;
  }
  if (position !== dataLength) throw damaged(`${dataLength} bytes of data where the header tells of ${position}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = step;
    step *= Math.max(shape[d]!, 1);
  }
  return strides;
}
