/**
 * The format that `torch.save` wrote before PyTorch 1.6, and still writes with `_use_new_zipfile_serialization=False`:
 * pickles one after the other (magic number, version, facts about the machine, the value, the keys of the storages), then
 * for each key the number of elements and the data, little-endian.
 */
import { CheckpointError, damaged, printable } from "./errors";
import { rawPlace, readInt64, type Contents, type Limits, type Place } from "./contents";
import { PickleBytes } from "./pickle/bytes";
import { unpickle } from "./pickle/machine";
import type { StorageNode } from "./pickle/nodes";
import { StorageTable } from "./pickle/storage-table";
import type { Source } from "./source";

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;
/** What the first pickle may cost, before it is known for a checkpoint's. */
const FIRST_PICKLE = 2 ** 16;
/** Bytes of the number of elements before a storage's data. */
const COUNT = 8;

/** True if the bytes begin with a pickle of the magic number. */
export function looksLikeLegacy(source: Source): boolean {
  try {
    return unpickle(new PickleBytes(source, 0, FIRST_PICKLE), FIRST_PICKLE) === MAGIC;
  } catch (error) {
    if (error instanceof CheckpointError) return false;
    throw error;
  }
}

/** @param source a file that {@link looksLikeLegacy}. */
export function readLegacyCheckpoint(source: Source, { memoryLimit }: Limits): Contents {
  const bytes = new PickleBytes(source, 0, memoryLimit);
  unpickle(bytes, memoryLimit);
  const version = unpickle(bytes, memoryLimit);
  if (version !== VERSION)
    throw new CheckpointError(
      `expected version ${VERSION} of PyTorch's legacy format, got ${printable(String(version))}`,
    );
  unpickle(bytes, memoryLimit); // the machine that wrote it; the data are little-endian in any case
  const table = new StorageTable();
  const root = unpickle(bytes, memoryLimit, table.load);
  const places = new Map<StorageNode, Place>();
  const keys = unpickle(bytes, memoryLimit);
  if (!Array.isArray(keys)) throw damaged("a file in PyTorch's legacy format without the keys of its storages");
  let { offset } = bytes;
  for (const key of keys as unknown[]) {
    const node = typeof key === "string" ? table.records.get(key) : undefined;
    if (node === undefined || places.has(node)) throw damaged("data of a storage that the value does not refer to");
    places.set(node, placeAt(source, node, offset));
    offset += COUNT + node.byteLength;
  }
  for (const node of table.records.values())
    if (!places.has(node)) throw damaged(`a storage ${printable(node.key)} without data`);
  return { root, places, parts: [...table.parts.values()], swapSize: () => 1 };
}

/** The data of a storage after their number of elements. */
function placeAt(source: Source, { key, byteLength, elementCounts }: StorageNode, offset: number): Place {
  if (offset + COUNT + byteLength > source.size)
    throw damaged(`a storage ${printable(key)} of ${byteLength} bytes that goes past the end of the file`);
  const elements = Number(readInt64(source, offset));
  if (!elementCounts.has(elements))
    throw damaged(
      `a storage ${printable(key)} of ${elements} elements where ${[...elementCounts].join(" or ")} are due`,
    );
  return rawPlace(`storage ${key}`, offset + COUNT, byteLength);
}
