import type { Tensor } from "../../torch";
import type { AddScalarOptions, LogEntry, LogWriter, Scalar } from "./log-writer";

/** What callbacks log to. */
export type MetricWriter = Pick<LogWriter, keyof LogWriter>;

/**
 * Logs under `<prefix>/<key>` what is logged under a key. Everything else is the inner writer's.
 *
 * Who reads a metric gets the one of this prefix first: `loss/test/total` is `<prefix>/loss/test/total`, if that was logged.
 */
export class PrefixedLogWriter implements MetricWriter {
  readonly #inner: MetricWriter;
  /** With its slash; empty: none. */
  readonly #prefix: string;

  /** @param prefix Slashes at its end do not count; empty: keys stay as they are. */
  constructor(inner: MetricWriter, prefix: string) {
    const name = prefix.replace(/\/+$/, "");
    this.#inner = inner;
    this.#prefix = name === "" ? "" : `${name}/`;
  }

  get pathProvider() {
    return this.#inner.pathProvider;
  }
  get updateCounter() {
    return this.#inner.updateCounter;
  }
  get tracker() {
    return this.#inner.tracker;
  }
  get logEntries() {
    return this.#inner.logEntries;
  }
  get nonScalarKeys() {
    return this.#inner.nonScalarKeys;
  }

  /** The metrics of the current update; those with this prefix also without it. A copy. */
  get logCache(): LogEntry | null {
    const cache = this.#inner.logCache;
    if (cache === null || this.#prefix === "") return cache;
    const own = Object.entries(cache).filter(([key]) => key.startsWith(this.#prefix));
    return { ...cache, ...Object.fromEntries(own.map(([key, value]) => [key.slice(this.#prefix.length), value])) };
  }

  resolveKey(key: string): string {
    const own = `${this.#prefix}${key}`;
    return this.#inner.logCache !== null && Object.hasOwn(this.#inner.logCache, own)
      ? own
      : this.#inner.resolveKey(key);
  }

  addScalar(key: string, value: Scalar | Tensor, options?: AddScalarOptions): void {
    this.#inner.addScalar(`${this.#prefix}${key}`, value, options);
  }

  addNonscalar(key: string, value: unknown): void {
    this.#inner.addNonscalar(`${this.#prefix}${key}`, value);
  }

  getAllMetricValues(key: string): Scalar[] {
    return this.#inner.getAllMetricValues(`${this.#prefix}${key}`);
  }

  takeShown(): [key: string, text: string][] {
    return this.#inner.takeShown();
  }

  async flush(): Promise<void> {
    return this.#inner.flush();
  }

  finish(): void {
    this.#inner.finish();
  }

  async scope<T>(work: () => Promise<T>): Promise<T> {
    return this.#inner.scope(work);
  }
}
