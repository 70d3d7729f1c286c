/** Bytes that are written at a time: a call of the system for each chunk of 64 KiB costs more than the bytes. */
const GATHERED = 2 ** 18;
/** Milliseconds after which fewer are written, so that a kill loses little of a slow transfer. */
const PATIENCE = 250;

/** Chunks of a body on their way to a file. */
export class GatheredChunks {
  readonly #take: (chunks: Buffer[]) => Promise<void>;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #last = performance.now();

  constructor(take: (chunks: Buffer[]) => Promise<void>) {
    this.#take = take;
  }

  async add(chunk: Buffer): Promise<void> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= GATHERED || performance.now() - this.#last > PATIENCE) await this.flush();
  }

  /** Hands out what is there. */
  async flush(): Promise<void> {
    const [chunks, bytes] = [this.#chunks, this.#bytes];
    [this.#chunks, this.#bytes] = [[], 0];
    if (bytes > 0) await this.#take(chunks);
    this.#last = performance.now();
  }
}
