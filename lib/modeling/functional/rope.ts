/**
 * Rotary position embedding (RoFormer, https://arxiv.org/abs/2104.09864) for continuous coordinates.
 *
 * Channels of a head are rotated in pairs. Two layouts of the pairs exist, and weights trained with one need the same one again:
 * - complex: neighbours `(2j, 2j + 1)` over the whole head;
 * - real: inside the chunk of 2F channels of each axis, `(j, j + F)`.
 * They coincide only for one frequency per axis (F = 1).
 */
import { ValueError } from "../../config/python-errors";
import { complex, imag, real, stack, Tensor } from "../../torch";
import { rotate, type RopeTable } from "./rotate";

/** What the attention modules accept: a table, complex unit numbers (B, N, d/2), or P tensors of angles (B, N, 2F). */
export type RopeFrequencies = RopeTable | Tensor | readonly Tensor[];

/** Turns frequencies of either kind into a table. */
export function ropeTable(freqs: RopeFrequencies): RopeTable {
  if (freqs instanceof Tensor) {
    if (!freqs.isComplex() || freqs.ndim !== 3) {
      throw new ValueError(
        `rope: freqs must be complex of shape (B, N, d/2), got ${freqs.dtype} of shape (${freqs.shape.join(", ")})`,
      );
    }
    return { cos: real(freqs).contiguous(), sin: imag(freqs).contiguous(), pairDistance: 1 };
  }
  if (!Array.isArray(freqs)) return freqs as RopeTable;
  const angles = stack(freqs as Tensor[], -2); // (B, N, P, 2F), both halves of the last axis equal
  const pairDistance = angles.size(-1) / 2;
  const theta = angles.narrow(-1, 0, pairDistance).flatten(-2); // (B, N, P·F)
  return { cos: theta.cos(), sin: theta.sin(), pairDistance };
}

/**
 * Rotates the channel pairs of `x`: `(a, b) → (a cos θ − b sin θ, a sin θ + b cos θ)`, computed in float32.
 *
 * @param x queries or keys, (B, H, N, d); channels after the last pair stay as they are
 * @returns a tensor of the shape and dtype of `x`
 */
export function rope(x: Tensor, freqs: RopeFrequencies): Tensor {
  if (x.ndim !== 4) throw new ValueError(`rope: x must have shape (B, H, N, d), got (${x.shape.join(", ")})`);
  const table = ropeTable(freqs);
  const rotated = 2 * table.cos.size(-1);
  if (rotated > x.size(-1)) {
    throw new ValueError(`rope: ${rotated} channels are to be rotated, but a head has only ${x.size(-1)}`);
  }
  return rotate(x, table);
}

/** The table as complex unit numbers (B, N, R). */
export function ropeComplex(table: RopeTable): Tensor {
  return complex(table.cos, table.sin);
}

/** The table of `count` tokens from `start` on. */
export function narrowTable(table: RopeTable, start: number, count: number): RopeTable {
  if (start === 0 && count === table.cos.size(1)) return table;
  return {
    cos: table.cos.narrow(1, start, count),
    sin: table.sin.narrow(1, start, count),
    pairDistance: table.pairDistance,
  };
}
