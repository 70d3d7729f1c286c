/** Sequences of different lengths in one tensor: `torch.nn.utils.rnn`. */
import {
  arrayOf,
  checkArgument,
  checkOptions,
  count,
  either,
  flag,
  nullable,
  positive,
  real,
  refuseSurplus,
  tensor as tensorKind,
} from "../../arguments";
import { tensor } from "../../creation";
import { TorchError } from "../../errors";
import { _packPaddedSequence, _padPackedSequence, full } from "../../operators.generated";
import { Tensor } from "../../tensor";

/** Sequences cut into steps, longest first: all first entries, all second ones that there are, … Made by {@link packPaddedSequence}. */
export class PackedSequence {
  constructor(
    /** The entries of all steps, one after the other: (entries, …). */
    readonly data: Tensor,
    /** How many sequences reach each step: (L) int64. */
    readonly batchSizes: Tensor,
    /** Which sequence stands where, longest first: (N) int64, or null where they came sorted. */
    readonly sortedIndices: Tensor | null = null,
    /** The way back. */
    readonly unsortedIndices: Tensor | null = null,
  ) {}

  /** How many sequences there are. */
  get batchSize(): number {
    return Number(this.batchSizes.select(0, 0).item());
  }
}

/** Options of {@link packPaddedSequence}. */
export interface PackOptions {
  /** The input is (N, L, …), not (L, N, …) (default false). */
  batchFirst?: boolean;
  /** The sequences are sorted, longest first (default true); otherwise they are sorted here. */
  enforceSorted?: boolean;
}

/** Packs padded sequences (L, N, …) of the given lengths. */
export function packPaddedSequence(
  input: Tensor,
  lengths: Tensor | readonly number[],
  options: PackOptions = {},
  ...surplus: never[]
): PackedSequence {
  checkArgument("packPaddedSequence", "input", input, tensorKind);
  checkArgument("packPaddedSequence", "lengths", lengths, either(tensorKind, arrayOf(positive)));
  checkOptions("packPaddedSequence", options, { batchFirst: flag, enforceSorted: flag }, surplus);
  const { batchFirst = false, enforceSorted = true } = options;
  let counts =
    lengths instanceof Tensor
      ? lengths.to({ dtype: "int64", device: "cpu" })
      : tensor([...lengths], { dtype: "int64" });
  let [padded, sortedIndices]: [Tensor, Tensor | null] = [input, null];
  if (!enforceSorted) {
    const sorted = counts.sort(-1, true);
    counts = sorted.values;
    sortedIndices = sorted.indices.to(input.device);
    padded = input.indexSelect(batchFirst ? 0 : 1, sortedIndices);
  }
  const [data, batchSizes] = _packPaddedSequence(padded, counts, batchFirst);
  return new PackedSequence(data, batchSizes, sortedIndices, sortedIndices?.argsort() ?? null);
}

/** Options of {@link padPackedSequence}. */
export interface PadPackedOptions {
  /** Give (N, L, …), not (L, N, …) (default false). */
  batchFirst?: boolean;
  /** What fills up the shorter sequences (default 0). */
  paddingValue?: number;
  /** Pad to this length, at least that of the longest (default: that). */
  totalLength?: number;
}

/** The reverse of {@link packPaddedSequence}: [padded sequences (L, N, …), their lengths (N)]. */
export function padPackedSequence(
  sequence: PackedSequence,
  options: PadPackedOptions = {},
  ...surplus: never[]
): [Tensor, Tensor] {
  checkOptions("padPackedSequence", options, { batchFirst: flag, paddingValue: real, totalLength: positive }, surplus);
  const { batchFirst = false, paddingValue = 0 } = options;
  const longest = sequence.batchSizes.size(0);
  const { totalLength = longest } = options;
  if (totalLength < longest)
    throw new TorchError(`padPackedSequence: expected a totalLength of at least ${longest}, got ${totalLength}`);
  const [padded, lengths] = _padPackedSequence(
    sequence.data,
    sequence.batchSizes,
    batchFirst,
    paddingValue,
    totalLength,
  );
  const { unsortedIndices } = sequence;
  if (unsortedIndices === null) return [padded, lengths];
  return [padded.indexSelect(batchFirst ? 0 : 1, unsortedIndices), lengths.indexSelect(0, unsortedIndices.to("cpu"))];
}

/** Sequences (length, …) of different lengths as one tensor (L, N, …); with `batchFirst` (N, L, …). */
export function padSequence(
  sequences: readonly Tensor[],
  options: { batchFirst?: boolean; paddingValue?: number } = {},
  ...surplus: never[]
): Tensor {
  checkArgument("padSequence", "sequences", sequences, arrayOf(tensorKind));
  checkOptions("padSequence", options, { batchFirst: flag, paddingValue: real }, surplus);
  const first = sequences[0];
  if (first === undefined) throw new TorchError("padSequence: expected at least one sequence, got none");
  const longest = Math.max(...sequences.map((sequence) => sequence.size(0)));
  const [batchFirst, like] = [options.batchFirst ?? false, { dtype: first.dtype, device: first.device }];
  const shape = [...(batchFirst ? [sequences.length, longest] : [longest, sequences.length]), ...first.shape.slice(1)];
  const padded = full(shape, options.paddingValue ?? 0, like);
  sequences.forEach((sequence, i) => {
    padded
      .select(batchFirst ? 0 : 1, i)
      .narrow(0, 0, sequence.size(0))
      .copy_(sequence);
  });
  return padded;
}

/** {@link padSequence}, then {@link packPaddedSequence}. */
export function packSequence(
  sequences: readonly Tensor[],
  options: { enforceSorted?: boolean } = {},
  ...surplus: never[]
): PackedSequence {
  refuseSurplus("packSequence", surplus);
  const lengths = sequences.map((sequence) => sequence.size(0));
  return packPaddedSequence(padSequence(sequences), lengths, options);
}

/** The permutation that undoes one, (N) int64; null for null. */
export function invertPermutation<P extends Tensor | null>(permutation: P, ...surplus: never[]): P {
  checkArgument("invertPermutation", "permutation", permutation, nullable(tensorKind));
  refuseSurplus("invertPermutation", surplus);
  return (permutation === null ? null : permutation.argsort()) as P;
}

/** The reverse of {@link padSequence}: sequences (length, …) from (L, N, …), with `batchFirst` from (N, L, …). */
export function unpadSequence(
  padded: Tensor,
  lengths: Tensor | readonly number[],
  options: { batchFirst?: boolean } = {},
  ...surplus: never[]
): Tensor[] {
  checkArgument("unpadSequence", "padded", padded, tensorKind);
  checkArgument("unpadSequence", "lengths", lengths, either(tensorKind, arrayOf(count)));
  checkOptions("unpadSequence", options, { batchFirst: flag }, surplus);
  const list = lengths instanceof Tensor ? (lengths.toArray() as number[]) : lengths;
  const dim = options.batchFirst ? 0 : 1;
  if (list.length !== padded.size(dim))
    throw new TorchError(`unpadSequence: expected ${padded.size(dim)} lengths, got ${list.length}`);
  return list.map((length, i) => padded.select(dim, i).narrow(0, 0, length));
}

/** The reverse of {@link packSequence}. */
export function unpackSequence(sequence: PackedSequence, ...surplus: never[]): Tensor[] {
  refuseSurplus("unpackSequence", surplus);
  const [padded, lengths] = padPackedSequence(sequence, { batchFirst: true });
  return unpadSequence(padded, lengths, { batchFirst: true });
}
