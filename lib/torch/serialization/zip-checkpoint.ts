/** The archive that `torch.save` writes since PyTorch 1.6: a zip with the pickle and one record for each storage. */
import { CheckpointError, damaged, printable, unsupported } from "./errors";
import { checkUnpacked, readRecord, type Contents, type Limits, type Place } from "./contents";
import { foreignZip } from "./formats";
import { PickleBytes } from "./pickle/bytes";
import { unpickle } from "./pickle/machine";
import type { StorageNode } from "./pickle/nodes";
import { StorageTable } from "./pickle/storage-table";
import type { Source } from "./source";
import { dataOffset, readZipDirectory, type ZipEntry } from "./zip/reader";

export function readZipCheckpoint(source: Source, limits: Limits): Contents {
  const records = openRecords(source);
  const pickle = records.place("data.pkl");
  const isBig = records.byteOrder(limits) === "big";
  const table = new StorageTable();
  checkUnpacked([pickle], limits);
  const root = unpickle(PickleBytes.of(readRecord(source, pickle, limits)), limits.memoryLimit, table.load);
  const places = new Map<StorageNode, Place>();
  for (const node of table.records.values()) {
    const place = records.place(`data/${node.key}`);
    if (place.byteLength < node.byteLength)
      throw damaged(`a storage ${printable(node.key)} of ${place.byteLength} bytes where ${node.byteLength} are due`);
    places.set(node, place);
  }
  checkUnpacked([pickle, ...places.values()], limits);
  return { root, places, parts: [], swapSize: (storage) => (isBig ? numberSize(storage) : 1) };
}

/** The records of an archive by their names without the root folder. */
interface Records {
  place(name: string): Place;
  byteOrder(limits: Limits): "little" | "big";
}

function openRecords(source: Source): Records {
  const entries = new Map(readZipDirectory(source).map((entry) => [entry.name, entry]));
  const names = [...entries.keys()];
  const root = names.find((name) => /^[^/]+\/data\.pkl$/.test(name))?.split("/")[0];
  if (root === undefined) throw new CheckpointError(`expected a file written by torch.save, got ${foreignZip(names)}`);
  if (entries.has(`${root}/constants.pkl`)) {
    throw new CheckpointError(
      `expected a file written by torch.save, got a TorchScript archive (torch.jit.save): read it with torch.jit.load`,
    );
  }
  const place = (name: string): Place => {
    const entry = entries.get(`${root}/${name}`);
    if (entry === undefined) throw damaged(`an archive without the record ${printable(name)}`);
    return placeOf(source, entry);
  };
  return {
    place,
    byteOrder: (limits) => {
      if (!entries.has(`${root}/byteorder`)) return "little";
      const bytes = readRecord(source, place("byteorder"), { ...limits, memoryLimit: 64, verify: false });
      const order = Buffer.from(bytes).toString("latin1");
      if (order === "little" || order === "big") return order;
      throw new CheckpointError(`expected the byte order "little" or "big", got ${printable(order)}`);
    },
  };
}

/** Where an entry's bytes lie. */
export function placeOf(source: Source, entry: ZipEntry): Place {
  const { name, crc32, packedLength, byteLength } = entry;
  const offset = dataOffset(source, entry);
  return { name, offset, packedLength, byteLength, isDeflated: entry.packing === "deflated", crc32 };
}

/** Bytes of one number in a storage of a big-endian machine. */
function numberSize({ key, numberSizes }: StorageNode): number {
  if (numberSizes.size > 1)
    throw unsupported(
      `the storage ${printable(key)} with several dtypes, in big-endian order`,
      "save the file again on a little-endian machine",
    );
  return [...numberSizes][0] ?? 1;
}
