/**
 * The format of PyTorch's first releases (before 0.1.12): a tar archive of `storages` (count; then for each a pickle and its
 * data; then the storages that are parts of others), `tensors` (count; then for each a pickle, its sizes, strides and
 * offset) and `pickle`, the value, whose persistent ids are the numbers of tensors and storages.
 *
 * PyTorch itself refuses it with `weights_only`; here nothing in it is ever run, as in the other formats.
 */
import { rawPlace, readInt64, type Contents, type Limits, type Place } from "./contents";
import { itemSize } from "../dtype";
import { CheckpointError, damaged } from "./errors";
import { PickleBytes } from "./pickle/bytes";
import { unpickle, type PersistentLoad } from "./pickle/machine";
import { StorageTypeNode, type StorageNode, type TensorNode, type TypedStorageNode } from "./pickle/nodes";
import { StorageTable } from "./pickle/storage-table";
import { rebuildTensor } from "./pickle/tensor-globals";
import { Tuple, tupleFrom } from "./python-values";
import type { Source } from "./source";
import { readTarMembers } from "./tar/reader";

export function readTarCheckpoint(source: Source, limits: Limits): Contents {
  const members = new Map(readTarMembers(source).map(({ name, offset }) => [name, offset]));
  const [storages, tensors, pickle] = ["storages", "tensors", "pickle"].map((name) => members.get(name));
  if (storages === undefined || tensors === undefined || pickle === undefined)
    throw new CheckpointError(
      `expected a file written by torch.save, got a tar archive without storages, tensors and pickle (a packed folder?): unpack it`,
    );
  return new TarCheckpoint(source, limits).read(storages, tensors, pickle);
}

class TarCheckpoint {
  private readonly table = new StorageTable();
  private readonly places = new Map<StorageNode, Place>();
  private readonly objects = new Map<string, TypedStorageNode | TensorNode>();

  constructor(
    private readonly source: Source,
    private readonly limits: Limits,
  ) {}

  read(storages: number, tensors: number, pickle: number): Contents {
    this.readStorages(storages);
    this.readTensors(tensors);
    const { value: root } = this.unpickle(pickle, (id) => this.object(id));
    return { root, places: this.places, parts: [...this.table.parts.values()], swapSize: () => 1 };
  }

  private readStorages(start: number): void {
    const counted = this.unpickle(start);
    let { next } = counted;
    for (let i = 0; i < integer(counted.value, "a number of storages"); i++) {
      const head = this.unpickle(next);
      const [key, location, type] = tuple(head.value, 3);
      if (typeof location !== "string" || !(type instanceof StorageTypeNode))
        throw damaged("a storage without a class");
      const { dtype } = type;
      const elements = Number(readInt64(this.source, head.next));
      const byteLength = elements * (dtype === null ? 1 : itemSize(dtype));
      const offset = head.next + 8;
      if (elements < 0 || !(offset + byteLength <= this.source.size))
        throw damaged("a storage that goes past the end of the file");
      const name = nameOf(key);
      const node = this.table.record(name, location, byteLength);
      this.places.set(node, rawPlace(`storage ${name}`, offset, byteLength));
      this.objects.set(name, this.table.as(node, dtype));
      next = offset + byteLength;
    }
    const views = this.unpickle(next).value;
    if (!Array.isArray(views)) throw damaged("storages without the list of their parts");
    for (const view of views as unknown[]) {
      const [key, of, offset, elements] = tuple(view, 4);
      const whole = this.storage(of);
      const size = whole.dtype === null ? 1 : itemSize(whole.dtype);
      const [from, length] = [integer(offset, "an offset") * size, integer(elements, "a storage size") * size];
      const part = this.table.part(nameOf(key), whole.storage, from, length);
      this.objects.set(nameOf(key), this.table.as(part, whole.dtype));
    }
  }

  private readTensors(start: number): void {
    const counted = this.unpickle(start);
    let { next } = counted;
    for (let i = 0; i < integer(counted.value, "a number of tensors"); i++) {
      const head = this.unpickle(next);
      const [key, storage] = tuple(head.value, 3);
      next = head.next;
      const int64 = (): bigint => {
        next += 8;
        return readInt64(this.source, next - 8);
      };
      const dims = Number(BigInt.asUintN(32, int64())); // the rest is padding, which need not be zero
      if (dims > 64) throw damaged("a tensor of more than 64 dimensions");
      const numbers = (): Tuple => tupleFrom(Array.from({ length: dims }, () => Number(int64())));
      const [shape, strides, offset] = [numbers(), numbers(), Number(int64())];
      const node = rebuildTensor(tupleFrom([this.storage(storage), offset, shape, strides]));
      this.objects.set(nameOf(key), node);
    }
  }

  private object(id: unknown): TypedStorageNode | TensorNode {
    const found = this.objects.get(nameOf(id));
    if (found === undefined) throw damaged("a persistent id that is neither storage nor tensor");
    return found;
  }

  private storage(id: unknown): TypedStorageNode {
    const found = this.object(id);
    if (!("storage" in found)) throw damaged("a tensor where a storage is due");
    return found;
  }

  /** The pickle at a position, and where it ends. */
  private unpickle(start: number, persistentLoad?: PersistentLoad): { value: unknown; next: number } {
    const { memoryLimit } = this.limits;
    const bytes = new PickleBytes(this.source, start, memoryLimit);
    return { value: unpickle(bytes, memoryLimit, persistentLoad), next: bytes.offset };
  }
}

/** Keys are addresses: numbers, or text of digits. */
function nameOf(key: unknown): string {
  if (typeof key !== "number" && typeof key !== "bigint" && typeof key !== "string")
    throw damaged("a storage or tensor without a number");
  return String(key);
}

function tuple(value: unknown, length: number): readonly unknown[] {
  if (!(value instanceof Tuple) || value.length !== length) throw damaged(`no tuple of ${length} where one is due`);
  return value;
}

function integer(value: unknown, what: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw damaged(`${what} that is not an integer of at least 0`);
  return value;
}
