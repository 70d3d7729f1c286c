import type { Logger } from "../../core/logging";
import { Tensor } from "../../torch";
import type { ComposePreProcess } from "../preprocessors/compose";
import type { Sample } from "../sample";
import { ExtentCheck } from "./extent-check";
import { isAllFinite, type NonFinitePolicy, resolveNonFinite } from "./finite-check";

/** What {@link SampleChecks} need of their data set. */
export interface SampleChecksOptions {
  readonly policy: () => NonFinitePolicy;
  /** `sample 3 of Cars` */
  readonly describe: (index: number) => string;
  /** Domain of a property, whose properties lose points together. */
  readonly domainOf: (key: string) => string;
  /** Normalizer of a property. */
  readonly normalizerOf: (key: string) => ComposePreProcess | undefined;
  readonly logger: Logger;
}

/** Samples of a data set whose values are remembered as being in order. */
const MOST_REMEMBERED = 2 ** 24;

/**
 * Looks at the stored values of samples: NaN and infinite values, and positions whose unit cannot be right. A value that was found to
 * be in order is not looked at again, so that only the first epoch takes time for it.
 */
export class SampleChecks {
  /** By property: 1 for each sample in which it was in order. */
  readonly #fine = new Map<string, Uint8Array>();
  /** Domains whose dropped points were told. */
  readonly #dropped = new Set<string>();
  readonly #extents: ExtentCheck;

  constructor(private readonly options: SampleChecksOptions) {
    this.#extents = new ExtentCheck((problem) => options.logger.warning(problem));
  }

  /** The check of one sample: `add` each value right after it was read, as long as it is in the processor's cache, then `finish`. */
  begin(index: number): { add(key: string, value: unknown): void; finish(sample: Sample): Sample } {
    const policy = this.options.policy();
    const bad: string[] = [];
    const positions = new Map<string, Tensor>();
    return {
      add: (key, value) => {
        if (!(value instanceof Tensor) || this.#isFine(key, index)) return;
        if (ExtentCheck.isPosition(key)) positions.set(key, value);
        if (policy !== "keep" && !isAllFinite(value)) bad.push(key);
        else this.#remember(key, index);
      },
      finish: (sample) => {
        if (bad.length === 0 && positions.size === 0) return sample;
        const where = this.options.describe(index);
        this.#extents.check(positions, where, this.options.normalizerOf);
        if (policy === "keep" || bad.length === 0) return sample;
        const { domainOf } = this.options;
        return resolveNonFinite(sample, bad, policy, where, domainOf, (domain, message) => this.#tell(domain, message));
      },
    };
  }

  #isFine(key: string, index: number): boolean {
    return this.#fine.get(key)?.[index] === 1;
  }

  #remember(key: string, index: number): void {
    if (!(Number.isInteger(index) && index >= 0 && index < MOST_REMEMBERED)) return;
    let marks = this.#fine.get(key);
    if (marks === undefined || marks.length <= index) {
      const larger = new Uint8Array(2 ** Math.ceil(Math.log2(index + 64)));
      if (marks !== undefined) larger.set(marks);
      this.#fine.set(key, (marks = larger));
    }
    marks[index] = 1;
  }

  /** The first loss of a domain is a warning. */
  #tell(domain: string, message: string): void {
    if (this.#dropped.has(domain)) return this.options.logger.debug(message);
    this.#dropped.add(domain);
    this.options.logger.warning(`${message} (of further samples the debug log tells)`);
  }
}
