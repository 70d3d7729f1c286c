/** What of PyTorch's samples does not pass, and why. An entry that passes is an error too: it is to go. */
export interface Known {
  /** Names as OpInfo has them, with the variant behind a point. */
  readonly operators: readonly string[];
  /** Kinds of samples that it is about; all where it is left out. */
  readonly kinds?: readonly string[];
  readonly reason: string;
}

export const KNOWN: readonly Known[] = [
  {
    operators: ["svd_lowrank", "pca_lowrank"],
    reason:
      "random projections, orthogonalised in float32: a last bit of the machine's products grows to 1e-4 of the result",
  },
  { operators: ["nn.functional.embedding", "nn.functional.embedding_bag"], reason: "sparse gradients are refused" },
  {
    operators: ["normal", "normal.number_mean", "fft.ihfft2", "fft.ihfftn", "nonzero"],
    kinds: ["out"],
    reason: "PyTorch, too, does not write into this `out`",
  },
  { operators: ["arange"], reason: "booleans for numbers are refused; `arange(2.0)` cannot be told from `arange(2)`" },
  {
    operators: ["_batch_norm_with_update", "_segment_reduce.lengths", "_segment_reduce.offsets"],
    reason: "internal to PyTorch; `ops.call` reaches it",
  },
];

/** Entries of which no sample is stored, and why. */
export const NOT_STORED: readonly Pick<Known, "operators" | "reason">[] = [
  {
    operators: ["slice_scatter", "nn.functional.ctc_loss"],
    reason: "PyTorch's smallest samples take 70 kB and more; the complete run has them",
  },
  {
    operators: [
      "nn.functional.batch_norm.without_cudnn",
      "torch._scaled_mm",
      "torch._scaled_mm_v2",
      "torch.ops.aten._efficient_attention_forward",
      "torch.ops.aten._flash_attention_forward",
    ],
    reason: "PyTorch has samples of them for GPUs only",
  },
  {
    operators: [
      "jiterator_2inputs_2outputs",
      "jiterator_4inputs_with_extra_args",
      "jiterator_binary",
      "jiterator_binary_return_by_ref",
      "jiterator_unary",
    ],
    reason: "CUDA code given as text, which only Python compiles",
  },
  {
    operators: ["sparse.mm.reduce", "sparse.sampled_addmm", "to_sparse"],
    reason: "sparse tensors, which cannot be recorded",
  },
  { operators: ["broadcast_shapes"], reason: "takes and gives sizes: Python code without a tensor to record" },
];

/** Why an operator's sample of a kind is not expected to pass, or null. */
export function reasonFor(operator: string, kind: string): string | null {
  const found = KNOWN.find(
    (each) => each.operators.includes(operator) && (each.kinds === undefined || each.kinds.includes(kind)),
  );
  return found?.reason ?? null;
}
