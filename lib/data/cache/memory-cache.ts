import { keep, type Tensor } from "../../torch";

/** The tensors of a sample by key. */
export type CachedSample = ReadonlyMap<string, Tensor>;

let shares = 1;

/** Says that so many threads cache the same data sets: each keeps its share of the bytes. */
export function shareMemory(threads: number): void {
  shares = threads;
}

/** Bytes of the values of a sample. */
export function bytesOf(sample: CachedSample): number {
  let bytes = 0;
  for (const tensor of sample.values()) bytes += tensor.numel() * tensor.elementSize();
  return bytes;
}

/** The samples that were asked for last, in at most so many bytes. */
export class MemoryCache {
  /** The least recently used first. */
  readonly #samples = new Map<string, CachedSample>();
  #bytes = 0;

  constructor(readonly limit: number) {}

  /** Bytes of all samples. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Copies of the tensors; undefined: they are not there. */
  get(key: string): CachedSample | undefined {
    const sample = this.#samples.get(key);
    if (sample === undefined) return undefined;
    this.#samples.delete(key);
    this.#samples.set(key, sample);
    return copy(sample);
  }

  /** Keeps copies of the tensors, and frees the least recently used samples that there is no more room for. */
  set(key: string, sample: CachedSample): void {
    const limit = this.limit / shares;
    const bytes = bytesOf(sample);
    this.#delete(key);
    if (bytes > limit) return;
    for (const [oldest] of this.#samples) {
      if (this.#bytes + bytes <= limit) break;
      this.#delete(oldest);
    }
    this.#samples.set(key, keep(copy(sample)));
    this.#bytes += bytes;
  }

  #delete(key: string): void {
    const sample = this.#samples.get(key);
    if (sample === undefined) return;
    this.#samples.delete(key);
    this.#bytes -= bytesOf(sample);
    for (const tensor of sample.values()) tensor.dispose();
  }
}

/** Who changes a sample in place changes a copy. */
function copy(sample: CachedSample): Map<string, Tensor> {
  return new Map([...sample].map(([key, tensor]) => [key, tensor.clone()]));
}
