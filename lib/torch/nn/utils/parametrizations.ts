/** Parametrizations that are ready to use: `torch.nn.utils.parametrizations`. */
import {
  byPositionOrName,
  checkArgument,
  flag,
  integer,
  nonNegative,
  nullable,
  oneOf,
  positive,
  text,
  type Kind,
  type KindsOf,
} from "../../arguments";
import { noGrad } from "../../autograd";
import { TorchError } from "../../errors";
import { householderProduct, matrixExp, solve } from "../../linalg.generated";
import { _weightNorm, add, cat, eye, geqrf, normExceptDim, randn, vdot, zerosLike } from "../../operators.generated";
import { scope } from "../../scope";
import { Tensor } from "../../tensor";
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from "../conv-transpose";
import { normalize } from "../functional/normalization";
import type { LoadStateDictPreHook } from "../hooks";
import { Module } from "../module";
import { toSnakeCase } from "../naming";
import { registerParametrization } from "./parametrize";

const MODULE: Kind = { text: "a module", accepts: (value) => value instanceof Module };

/** @internal The tensor `name` of a module. */
export function tensorOf(where: string, module: Module, name: string): Tensor {
  checkArgument(where, "module", module, MODULE);
  checkArgument(where, "name", name, text);
  const value: unknown = Reflect.get(module, name);
  if (value instanceof Tensor) return value;
  throw new TorchError(`${where}: expected the name of a tensor of ${module.constructor.name}, got "${name}"`);
}

// ---- weight norm

/** Options of {@link weightNorm}, also by position. */
export interface WeightNormOptions {
  /** The property (default `"weight"`). */
  name?: string;
  /** The dimension whose entries each have a magnitude (default 0); null: one for all. */
  dim?: number | null;
}

const WEIGHT_NORM = { name: text, dim: nullable(integer) } satisfies KindsOf<WeightNormOptions>;

// Classes have the names that PyTorch prints.

class _WeightNorm extends Module {
  constructor(private readonly dim: number) {
    super();
  }

  forward(magnitude: Tensor, direction: Tensor): Tensor {
    return _weightNorm(direction, magnitude, this.dim);
  }

  rightInverse(weight: Tensor): [magnitude: Tensor, direction: Tensor] {
    return [normExceptDim(weight, 2, this.dim), weight];
  }
}

/**
 * Learns a weight as magnitude times direction, `g · v / ‖v‖`, Salimans & Kingma 2016 (arXiv 1602.07868). State-dict keys:
 * `parametrizations.weight.original0` (g) and `original1` (v); those of PyTorch's older function, `weight_g` and `weight_v`, are
 * loaded, too.
 *
 * @returns the module.
 * @example nn.utils.parametrizations.weightNorm(new nn.Linear(20, 40));
 */
export function weightNorm<M extends Module>(module: M, name?: string, dim?: number | null): M;
export function weightNorm<M extends Module>(module: M, options: WeightNormOptions): M;
export function weightNorm<M extends Module>(module: M, ...given: unknown[]): M {
  const { name = "weight", dim = 0 } = byPositionOrName<WeightNormOptions>("weightNorm", WEIGHT_NORM, given);
  tensorOf("weightNorm", module, name);
  registerParametrization(module, name, new _WeightNorm(dim ?? -1), { unsafe: true });
  const key = toSnakeCase(name);
  module.registerLoadStateDictPreHook(renaming({ [`${key}_g`]: `${key}.original0`, [`${key}_v`]: `${key}.original1` }));
  return module;
}

/** Reads keys that an older function of PyTorch wrote, where all of them are there. */
function renaming(names: Readonly<Record<string, string>>): LoadStateDictPreHook {
  return (_, state, prefix) => {
    if (!Object.keys(names).every((old) => state.has(prefix + old))) return;
    for (const [old, name] of Object.entries(names)) {
      state.set(`${prefix}parametrizations.${name}`, state.get(prefix + old)!);
      state.delete(prefix + old);
    }
  };
}

// ---- spectral norm

/** Options of {@link spectralNorm}, also by position. */
export interface SpectralNormOptions {
  /** The property (default `"weight"`). */
  name?: string;
  /** Steps of the power method in each forward pass of training (default 1). */
  nPowerIterations?: number;
  /** Below which a norm counts as this (default 1e-12). */
  eps?: number;
  /** The dimension of the outputs (default 0; 1 for transposed convolutions). */
  dim?: number | null;
}

export const SPECTRAL_NORM = {
  name: text,
  nPowerIterations: positive,
  eps: nonNegative,
  dim: nullable(integer),
} satisfies KindsOf<SpectralNormOptions>;

/** @internal The default of `dim`. */
export function outputDim(module: Module): number {
  return [ConvTranspose1d, ConvTranspose2d, ConvTranspose3d].some((Class) => module instanceof Class) ? 1 : 0;
}

/** @internal The weight as a matrix (outputs, everything else). */
export function asMatrix(weight: Tensor, dim: number): Tensor {
  if (dim === 0) return weight.flatten(1);
  const others = weight.shape.map((_, d) => d).filter((d) => d !== dim);
  return weight.permute([dim, ...others]).flatten(1);
}

/** @internal Steps of the power method: `u` and `v` come nearer to the first singular vectors, in place. */
export function powerMethod(matrix: Tensor, u: Tensor, v: Tensor, steps: number, eps: number): void {
  noGrad(() =>
    scope(() => {
      for (let step = 0; step < steps; step++) {
        normalize(matrix.mv(v), { dim: 0, eps, out: u });
        normalize(matrix.H.mv(u), { dim: 0, eps, out: v });
      }
    }),
  );
}

class _SpectralNorm extends Module {
  private readonly dim: number;
  readonly _u?: Tensor;
  readonly _v?: Tensor;

  constructor(
    weight: Tensor,
    private readonly nPowerIterations: number,
    dim: number,
    private readonly eps: number,
  ) {
    super();
    if (dim >= weight.ndim || dim < -weight.ndim)
      throw new RangeError(`spectralNorm: expected a dim in [${-weight.ndim}, ${weight.ndim - 1}], got ${dim}`);
    this.dim = dim < 0 ? dim + weight.ndim : dim;
    if (weight.ndim === 1) return;
    noGrad(() => {
      const matrix = asMatrix(weight, this.dim);
      const [rows, columns] = matrix.shape as [number, number];
      const u = matrix.newEmpty([rows]).normal_(0, 1);
      const v = matrix.newEmpty([columns]).normal_(0, 1);
      this.registerBuffer("_u", normalize(u, { dim: 0, eps }));
      this.registerBuffer("_v", normalize(v, { dim: 0, eps }));
      powerMethod(matrix, this._u!, this._v!, 15, eps);
    });
  }

  forward(weight: Tensor): Tensor {
    if (weight.ndim === 1) return normalize(weight, { dim: 0, eps: this.eps });
    const matrix = asMatrix(weight, this.dim);
    if (this.training) powerMethod(matrix, this._u!, this._v!, this.nPowerIterations, this.eps);
    // copies, since the next pass writes the vectors while the graph still needs them
    return weight.div(vdot(this._u!.clone(), matrix.mv(this._v!.clone())));
  }

  rightInverse(value: Tensor): Tensor {
    return value;
  }
}

/**
 * Divides a weight by its largest singular value, Miyato et al. 2018 (arXiv 1802.05957), which a power method follows during
 * training. State-dict keys: `parametrizations.weight.original`, `parametrizations.weight.0._u`, `…0._v`; those of PyTorch's older function,
 * `weight_orig`, `weight_u` and `weight_v`, are loaded, too.
 *
 * @returns the module.
 */
export function spectralNorm<M extends Module>(
  module: M,
  name?: string,
  nPowerIterations?: number,
  eps?: number,
  dim?: number | null,
): M;
export function spectralNorm<M extends Module>(module: M, options: SpectralNormOptions): M;
export function spectralNorm<M extends Module>(module: M, ...given: unknown[]): M {
  const options = byPositionOrName<SpectralNormOptions>("spectralNorm", SPECTRAL_NORM, given);
  const { name = "weight", nPowerIterations = 1, eps = 1e-12 } = options;
  const weight = tensorOf("spectralNorm", module, name);
  const norm = new _SpectralNorm(weight, nPowerIterations, options.dim ?? outputDim(module), eps);
  registerParametrization(module, name, norm);
  const key = toSnakeCase(name);
  module.registerLoadStateDictPreHook(
    renaming({ [`${key}_orig`]: `${key}.original`, [`${key}_u`]: `${key}.0._u`, [`${key}_v`]: `${key}.0._v` }),
  );
  return module;
}

// ---- orthogonal

/** How an orthogonal matrix is made of any matrix. */
export type OrthogonalMap = "matrix_exp" | "cayley" | "householder";

/** Options of {@link orthogonal}, also by position. */
export interface OrthogonalOptions {
  /** The property (default `"weight"`). */
  name?: string;
  /** Default: `"matrix_exp"` for square and complex matrices, `"householder"` for others. */
  orthogonalMap?: OrthogonalMap | null;
  /** Start at the weight that is there, by a fixed factor `base` in the state dict (default true). */
  useTrivialization?: boolean;
}

const ORTHOGONAL = {
  name: text,
  orthogonalMap: nullable(oneOf("matrix_exp", "cayley", "householder")),
  useTrivialization: flag,
} satisfies KindsOf<OrthogonalOptions>;

/** The maps without an inverse. */
class _OrthogonalForward extends Module {
  protected readonly shape: readonly number[];
  base?: Tensor | null;

  constructor(
    weight: Tensor,
    private readonly orthogonalMap: OrthogonalMap,
    protected readonly useTrivialization: boolean,
  ) {
    super();
    if (weight.isComplex() && orthogonalMap === "householder")
      throw new TorchError('orthogonal: expected "matrix_exp" or "cayley" for a complex weight, got "householder"');
    this.shape = weight.shape;
    if (useTrivialization) this.registerBuffer("base", null);
  }

  forward(stored: Tensor): Tensor {
    const isWide = stored.size(-2) < stored.size(-1);
    const x = isWide ? stored.mT : stored; // (…, n, k), n ≥ k
    let q = this.orthogonalMap === "householder" ? reflections(x) : rotation(x, this.orthogonalMap);
    if (this.useTrivialization) q = this.base!.matmul(q);
    return isWide ? q.mT : q;
  }
}

/** The maps, and what to store for a matrix. */
class _Orthogonal extends _OrthogonalForward {
  rightInverse(value: Tensor): Tensor {
    return noGrad(() => {
      if (value.shape.join() !== this.shape.join())
        throw new TorchError(
          `orthogonal: expected shape [${this.shape.join(", ")}], got shape [${value.shape.join(", ")}]`,
        );
      const isWide = value.size(-2) < value.size(-1);
      const q = isWide ? value.mT : value;
      const [n, k] = [q.size(-2), q.size(-1)];
      if (!this.useTrivialization) {
        const [a, tau] = geqrf(q);
        // R's diagonal is made positive; its entries tell where there is no reflection (LAPACK gives exactly 0 then)
        const diagonal = a.diagonal(0, -2, -1);
        diagonal.sign_();
        diagonal.mul_(tau.eq(0).mul(-2).add(1));
        return isWide ? a.mT : a;
      }
      if (n === k) this.takeBase(isOrthogonal(q) ? q.clone() : orthogonalFactor(q));
      else {
        const random = randn([...q.shape.slice(0, -2), n, n - k], { dtype: q.dtype, device: q.device });
        this.takeBase(orthogonalFactor(cat([q, random], -1)));
      }
      // -1 on the diagonal, which gives the identity with each of the maps
      const stored = zerosLike(value);
      stored.diagonal(0, -2, -1).fill_(-1);
      return stored;
    });
  }

  private takeBase(base: Tensor): void {
    this.registerBuffer("base", base);
  }
}

/** (…, n, k) with orthonormal columns, from the lower triangle of x: the exponential or the Cayley map of a skew matrix. */
function rotation(x: Tensor, map: "matrix_exp" | "cayley"): Tensor {
  const [n, k] = [x.size(-2), x.size(-1)];
  let lower = x.tril();
  if (n !== k) lower = cat([lower, x.newZeros([n, n - k]).expand([...x.shape.slice(0, -2), n, n - k])], -1); // (…, n, n)
  const skew = lower.sub(lower.mH);
  if (map === "matrix_exp") return matrixExp(skew).narrow(-1, 0, k);
  const identity = eye(n, { dtype: skew.dtype, device: skew.device });
  return solve(add(identity, skew, { alpha: -0.5 }), add(identity, skew, { alpha: 0.5 })).narrow(-1, 0, k);
}

/** (…, n, k) with orthonormal columns: a product of Householder reflections, by vectors below the diagonal and signs on it. */
function reflections(x: Tensor): Tensor {
  const vectors = x.tril(-1);
  const tau = vectors.mul(vectors).sum([-2]).add(1).reciprocal().mul(2);
  // the signs take no gradient
  const signs = x.detach().diagonal(0, -2, -1).to("int32").unsqueeze(-2);
  return householderProduct(vectors, tau).mul(signs);
}

function isOrthogonal(q: Tensor): boolean {
  const identity = eye(q.size(-1), { dtype: q.dtype, device: q.device });
  const epsilon = q.dtype === "float64" || q.dtype === "complex128" ? 2 ** -52 : 2 ** -23;
  return q.mH.matmul(q).allclose(identity, 1e-5, 10 * q.size(-2) * epsilon);
}

/** Q of A = QR with a positive diagonal of R. */
function orthogonalFactor(a: Tensor): Tensor {
  const [reflected, tau] = geqrf(a);
  return householderProduct(reflected, tau).mul(reflected.diagonal(0, -2, -1).sgn().unsqueeze(-2));
}

/**
 * Keeps a matrix (or stack of them) orthogonal, unitary where it is complex; with more columns than rows, its rows are orthonormal.
 * Lezcano-Casado 2019 (arXiv 1909.09501). State-dict keys: `parametrizations.weight.original`, `parametrizations.weight.0.base`.
 *
 * @returns the module.
 */
export function orthogonal<M extends Module>(
  module: M,
  name?: string,
  orthogonalMap?: OrthogonalMap | null,
  options?: Pick<OrthogonalOptions, "useTrivialization">,
): M;
export function orthogonal<M extends Module>(module: M, options: OrthogonalOptions): M;
export function orthogonal<M extends Module>(module: M, ...given: unknown[]): M {
  const options = byPositionOrName<OrthogonalOptions>("orthogonal", ORTHOGONAL, given);
  const { name = "weight", useTrivialization = true } = options;
  const weight = tensorOf("orthogonal", module, name);
  if (weight.ndim < 2)
    throw new TorchError(`orthogonal: expected a matrix or a stack of them, got shape [${weight.shape.join(", ")}]`);
  const isSquare = weight.size(-2) === weight.size(-1);
  const map = options.orthogonalMap ?? (isSquare || weight.isComplex() ? "matrix_exp" : "householder");
  const Class = useTrivialization || map === "householder" ? _Orthogonal : _OrthogonalForward;
  return registerParametrization(module, name, new Class(weight, map, useTrivialization), { unsafe: true });
}
