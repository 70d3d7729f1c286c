import { readdirSync } from "node:fs";

import { AssertionError, FileNotFoundError, RuntimeError, ValueError } from "../../config/python-errors";

/** Plain form of a {@link TrainingIteration}, as checkpoint files hold it. */
export interface TrainingIterationFields {
  epoch?: number | null;
  update?: number | null;
  sample?: number | null;
}

const FIELDS = ["epoch", "update", "sample"] as const;
type Field = (typeof FIELDS)[number];

const PATTERN = /E(\d+)_U(\d+)_S(\d+)/;

/**
 * A point in training, counted in epochs, optimizer updates and samples. Any of the three may be unset (null): an end of
 * training names one of them, a checkpoint all three.
 *
 * `toString()` of a fully specified iteration is the checkpoint tag `E{epoch}_U{update}_S{sample}`.
 */
export class TrainingIteration {
  epoch: number | null;
  update: number | null;
  sample: number | null;

  constructor(epoch: number | null = null, update: number | null = null, sample: number | null = null) {
    this.epoch = epoch;
    this.update = update;
    this.sample = sample;
  }

  /** From a plain object; missing keys are unset, others are ignored. */
  static fromDict(fields: TrainingIterationFields): TrainingIteration {
    return new TrainingIteration(fields.epoch ?? null, fields.update ?? null, fields.sample ?? null);
  }

  /** Parses a text that begins with `E1_U2_S3`; what follows is ignored. */
  static fromString(text: string): TrainingIteration {
    const match = PATTERN.exec(text);
    if (match === null || match.index !== 0) {
      throw new ValueError(`a training iteration has the form E<epoch>_U<update>_S<sample>, but got '${text}'`);
    }
    return new TrainingIteration(Number(match[1]), Number(match[2]), Number(match[3]));
  }

  /** True if `E1_U2_S3` occurs anywhere in the text. */
  static containsString(text: string): boolean {
    return PATTERN.test(text);
  }

  /** First `E1_U2_S3` in the text. */
  static findString(text: string): string {
    const match = PATTERN.exec(text);
    if (match === null) {
      throw new ValueError(`no training iteration (E<epoch>_U<update>_S<sample>) occurs in '${text}'`);
    }
    return match[0];
  }

  /** Iteration that a checkpoint's file name holds. */
  static fromFilename(filename: string): TrainingIteration {
    return TrainingIteration.fromString(TrainingIteration.findString(filename));
  }

  /** Number of fields that are set. */
  get specifiedPropertiesCount(): number {
    return this.entries().length;
  }

  /** All three fields are set. */
  get isFullySpecified(): boolean {
    return this.specifiedPropertiesCount === 3;
  }

  /** Exactly one field is set. */
  get isMinimallySpecified(): boolean {
    return this.specifiedPropertiesCount === 1;
  }

  /** The fields that are set, in the order epoch, update, sample. */
  entries(): [Field, number][] {
    return FIELDS.flatMap((field): [Field, number][] => {
      const value = this[field];
      return value === null ? [] : [[field, value]];
    });
  }

  [Symbol.iterator](): Iterator<[Field, number]> {
    return this.entries()[Symbol.iterator]();
  }

  /** The fields that are set as a plain object. */
  toDict(): Partial<Record<Field, number>> {
    return Object.fromEntries(this.entries());
  }

  copy(): TrainingIteration {
    return new TrainingIteration(this.epoch, this.update, this.sample);
  }

  equals(other: unknown): boolean {
    return other instanceof TrainingIteration && this.getNEqualProperties(other) === 3;
  }

  /** Number of equal fields; two unset fields are equal. */
  getNEqualProperties(other: TrainingIteration): number {
    return FIELDS.filter((field) => this[field] === other[field]).length;
  }

  /** True if the same fields are set in both. */
  hasSameSpecifiedProperties(other: TrainingIteration): boolean {
    return FIELDS.every((field) => (this[field] === null) === (other[field] === null));
  }

  /** True if no field that is set is smaller than the other's. A partial order: of two iterations both can be false. */
  greaterOrEqual(other: TrainingIteration): boolean {
    this.assertComparable(other);
    return this.entries().every(([field, value]) => value >= (other[field] as number));
  }

  lessThan(other: TrainingIteration): boolean {
    return !this.greaterOrEqual(other);
  }

  greaterThan(other: TrainingIteration): boolean {
    return this.greaterOrEqual(other) && !this.equals(other);
  }

  lessOrEqual(other: TrainingIteration): boolean {
    return !this.greaterOrEqual(other) || this.equals(other);
  }

  /** Field-wise sum; both must have the same fields set. */
  plus(other: TrainingIteration): TrainingIteration {
    return this.combine(other, (a, b) => a + b);
  }

  /** Field-wise difference; both must have the same fields set. */
  minus(other: TrainingIteration): TrainingIteration {
    return this.combine(other, (a, b) => a - b);
  }

  /** Keeps the fields that `target` has set, with this iteration's values. */
  toTargetSpecification(target: TrainingIteration): TrainingIteration {
    if (target.specifiedPropertiesCount > this.specifiedPropertiesCount) {
      throw new ValueError(`'${this}' has fewer fields set than '${target}': it cannot be restricted to them`);
    }
    const pick = (field: Field): number | null => (target[field] === null ? null : this[field]);
    return new TrainingIteration(pick("epoch"), pick("update"), pick("sample"));
  }

  /**
   * Derives all three fields from the one that is set. A full iteration is copied.
   *
   * @param updatesPerEpoch Optimizer updates of one epoch.
   * @param effectiveBatchSize Samples of one optimizer update over all processes.
   */
  toFullySpecified(updatesPerEpoch: number, effectiveBatchSize: number): TrainingIteration {
    if (this.isFullySpecified) {
      return this.copy();
    }
    if (!this.isMinimallySpecified) {
      throw new ValueError(
        `exactly one of epoch, update and sample has to be set to derive the others, but got '${this}'`,
      );
    }
    const updates =
      this.update ??
      (this.epoch === null ? Math.trunc((this.sample as number) / effectiveBatchSize) : updatesPerEpoch * this.epoch);
    return new TrainingIteration(Math.trunc(updates / updatesPerEpoch), updates, updates * effectiveBatchSize);
  }

  /**
   * Completes an iteration of which one field is known from the names of the files in a directory. A name matches as
   * `{prefix}{E1_U2_S3}{suffix}`; of several that fit the one with the fewest updates is taken (for an epoch: its end).
   * Without prefix and suffix anything may surround the iteration.
   *
   * @param names Names of the files, where they are known already.
   */
  static toFullySpecifiedFromFilenames(
    directory: string,
    iteration: TrainingIteration,
    prefix: string | null = null,
    suffix: string | null = null,
    names: readonly string[] | null = null,
  ): TrainingIteration {
    if (!iteration.isMinimallySpecified) {
      throw new ValueError(
        `exactly one of epoch, update and sample has to be set to look for a checkpoint, but got '${iteration}'`,
      );
    }
    const found = (names ?? namesIn(directory, iteration))
      .filter((name) => name.startsWith(prefix ?? "") && name.endsWith(suffix ?? ""))
      .map((name) => name.slice((prefix ?? "").length, name.length - (suffix ?? "").length))
      // Tags such as E5_U50_S100.error belong to other files than the plain E5_U50_S100.
      .filter((tag) =>
        prefix === null && suffix === null
          ? TrainingIteration.containsString(tag)
          : containsOnlyIteration(tag, prefix, suffix),
      )
      .map((tag) => TrainingIteration.fromFilename(tag))
      .filter((candidate) => candidate.toTargetSpecification(iteration).equals(iteration))
      .sort((a, b) => (a.update as number) - (b.update as number));
    if (found[0] === undefined) {
      throw new FileNotFoundError(
        `no checkpoint of ${iteration} in '${directory}'${prefix === null && suffix === null ? "" : ` (names '${prefix ?? ""}E*_U*_S*${suffix ?? ""}')`}`,
      );
    }
    return found[0];
  }

  toString(): string {
    if (this.isMinimallySpecified) {
      const [field, value] = this.entries()[0] as [Field, number];
      return `${field[0]?.toUpperCase()}${field.slice(1)}: ${value}`;
    }
    const text = (value: number | null): string => (value === null ? "None" : String(value));
    return `E${this.epoch === null ? "None" : Math.trunc(this.epoch)}_U${text(this.update)}_S${text(this.sample)}`;
  }

  private combine(other: TrainingIteration, operation: (a: number, b: number) => number): TrainingIteration {
    this.assertComparable(other);
    const combine = (field: Field): number | null => {
      const value = this[field];
      return value === null ? null : operation(value, other[field] as number);
    };
    return new TrainingIteration(combine("epoch"), combine("update"), combine("sample"));
  }

  private assertComparable(other: TrainingIteration): void {
    if (!this.hasSameSpecifiedProperties(other)) {
      throw new RuntimeError(`'${this}' and '${other}' cannot be compared or combined: different fields are set`);
    }
  }
}

function namesIn(directory: string, iteration: TrainingIteration): string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    throw new FileNotFoundError(
      `cannot look for a checkpoint of ${iteration}: directory '${directory}' cannot be read`,
      { cause },
    );
  }
}

/** What is left between prefix and suffix is the iteration alone (on the sides where a prefix or suffix was given). */
function containsOnlyIteration(tag: string, prefix: string | null, suffix: string | null): boolean {
  if (!TrainingIteration.containsString(tag)) {
    return false;
  }
  const iteration = TrainingIteration.findString(tag);
  return (prefix === null || tag.startsWith(iteration)) && (suffix === null || tag.endsWith(iteration));
}

/** Fails unless the iteration has all three fields; returns them as numbers. */
export function fullySpecified(
  iteration: TrainingIteration,
  name: string,
): { epoch: number; update: number; sample: number } {
  const { epoch, update, sample } = iteration;
  if (epoch === null || update === null || sample === null) {
    throw new AssertionError(`internal: ${name} must be fully specified, but is '${iteration}'`);
  }
  return { epoch, update, sample };
}
