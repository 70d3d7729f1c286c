import { tensor, type Tensor } from "../../lib/torch";
import { Dataset } from "../../lib/data";
import { DatasetBaseConfig } from "../../lib/data/base/dataset-config";

/** Samples `{ index, x, y, … }` whose tensors hold the number of the sample. */
export class IndexDataset extends Dataset {
  constructor(
    readonly size: number,
    keys: readonly string[] = ["x"],
    config: Record<string, unknown> = {},
  ) {
    super(DatasetBaseConfig.create({ kind: "test", ...config }));
    for (const key of keys)
      this.addGetter(key, (index) => tensor([index]), { normalize: key in (this.config.dataset_normalizers ?? {}) });
  }

  override get length(): number {
    return this.size;
  }
}

/** Entries of a tensor as nested lists. */
export function values(x: unknown): unknown {
  return (x as Tensor).toArray();
}

/** All items of an async iterable. */
export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}
