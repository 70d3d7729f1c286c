/** The storages of a file by their keys: what a pickle's persistent ids refer to. */
import { itemSize, type DType } from "../../dtype";
import { damaged, printable } from "../errors";
import { Tuple } from "../python-values";
import { count } from "./arguments";
import { StorageNode, StorageTypeNode, TypedStorageNode } from "./nodes";

export class StorageTable {
  /** The storages whose bytes lie in the file. */
  readonly records = new Map<string, StorageNode>();
  /** The storages that are parts of others. */
  readonly parts = new Map<string, StorageNode>();
  private readonly typed = new Map<StorageNode, Map<DType | null, TypedStorageNode>>();

  /** `("storage", class, key, location, number of elements)`; the legacy format adds `(key, offset, size)` of a part, or null. */
  readonly load = (id: unknown): TypedStorageNode => {
    if (!(id instanceof Tuple) || id[0] !== "storage" || id.length < 5)
      throw damaged("a persistent id that is not a storage");
    const [, type, key, location, elements, part] = id;
    if (!(type instanceof StorageTypeNode)) throw damaged("a storage of an unknown class");
    if (typeof key !== "string" || typeof location !== "string") throw damaged("a storage without key or location");
    const whole = this.record(key, location, bytesOf(elements, type.dtype));
    whole.elementCounts.add(elements as number);
    if (part === undefined || part === null) return this.as(whole, type.dtype);
    if (!(part instanceof Tuple) || typeof part[0] !== "string") throw damaged("a part of a storage without a key");
    return this.as(this.part(part[0], whole, bytesOf(part[1], type.dtype), bytesOf(part[2], type.dtype)), type.dtype);
  };

  /**
   * The storage with a key.
   *
   * @throws CheckpointError when it was mentioned with another size before.
   */
  record(key: string, location: string, byteLength: number): StorageNode {
    const known = this.records.get(key);
    if (known === undefined) {
      const node = new StorageNode(key, location, byteLength);
      this.records.set(key, node);
      return node;
    }
    if (known.byteLength !== byteLength) throw damaged(`two different storages with the key ${printable(key)}`);
    return known;
  }

  /** A view of another storage. */
  part(key: string, of: StorageNode, offset: number, byteLength: number): StorageNode {
    const known = this.parts.get(key);
    if (known !== undefined) {
      if (known.part?.of !== of || known.part.offset !== offset || known.byteLength !== byteLength)
        throw damaged(`two different storages with the key ${printable(key)}`);
      return known;
    }
    if (offset + byteLength > of.byteLength)
      throw damaged(`a part ${printable(key)} that reaches out of its storage ${printable(of.key)}`);
    const node = new StorageNode(key, of.location, byteLength, { of, offset });
    this.parts.set(key, node);
    return node;
  }

  /** The storage as elements of a dtype: one object for each pair, as a bare storage may stand in several places. */
  as(storage: StorageNode, dtype: DType | null): TypedStorageNode {
    const types = this.typed.get(storage) ?? new Map<DType | null, TypedStorageNode>();
    this.typed.set(storage, types);
    const known = types.get(dtype) ?? new TypedStorageNode(storage, dtype);
    types.set(dtype, known);
    if (dtype !== null) storage.readAs(dtype);
    return known;
  }
}

function bytesOf(elements: unknown, dtype: DType | null): number {
  const bytes = count(elements, "a storage size") * (dtype === null ? 1 : itemSize(dtype));
  if (!Number.isSafeInteger(bytes)) throw damaged("a storage size above 2^53 bytes");
  return bytes;
}
