import type { Tensor } from "../../torch";
import { aminmax, isFloatingPoint, scope } from "../../torch";
import type { ComposePreProcess } from "../preprocessors/compose";
import { FieldNormalizer } from "../preprocessors/normalizers/field";
import { MeanStdNormalization } from "../preprocessors/normalizers/mean-std";
import { PositionNormalizer } from "../preprocessors/normalizers/position";

/** Extents of one property in different samples that differ by more than this are hardly of the same unit: mm beside m. */
const BETWEEN_SAMPLES = 100;
/** The same between properties of one sample: a far field may well be hundreds of times as large as the body in it. */
const BETWEEN_PROPERTIES = 900;
/** A body is not so many times as large as the space around it. */
const BODY_OVER_SPACE = 15;
/** Extent of the points over that of the statistics: at most, and at least. */
const OVER_STATISTICS = 100;
const UNDER_STATISTICS = 1 / 500;
/** The box that points with a standard deviation fill, in deviations. */
const DEVIATIONS = 6;

interface Seen {
  readonly extent: number;
  readonly where: string;
}

/**
 * Looks at how large the point clouds of a data set are, and finds units that cannot be right: a file in millimetres beside others in
 * metres, or beside statistics in metres. Each property is complained about once.
 */
export class ExtentCheck {
  readonly #seen = new Map<string, Seen>();
  readonly #told = new Set<string>();

  /** @param warn gets the message */
  constructor(private readonly warn: (message: string) => void) {}

  /** Whether a property holds positions of points: `surface_position`. */
  static isPosition(key: string): boolean {
    return /(^|_)positions?$/.test(key);
  }

  /**
   * @param positions point clouds (N, P) of one sample by their key, as they are stored
   * @param where what a message says about the sample: `sample 3 of Cars`
   */
  check(
    positions: ReadonlyMap<string, Tensor>,
    where: string,
    normalizerOf: (key: string) => ComposePreProcess | undefined,
  ): void {
    const extents = new Map<string, number>();
    for (const [key, x] of positions) {
      const extent = extentOf(x);
      if (extent > 0 && Number.isFinite(extent)) extents.set(key, extent);
    }
    for (const [key, extent] of extents) {
      const first = this.#seen.get(key) ?? { extent, where };
      this.#seen.set(key, first);
      if (ratio(extent, first.extent) > BETWEEN_SAMPLES)
        this.#tell(key, `extends over ${show(extent)} in ${where}, but over ${show(first.extent)} in ${first.where}`);
      const expected = expectedExtent(normalizerOf(key));
      if (expected !== null && (extent > OVER_STATISTICS * expected || extent < UNDER_STATISTICS * expected))
        this.#tell(
          key,
          `extends over ${show(extent)} in ${where}, but over ${show(expected)} by the statistics of its normalizer`,
        );
      for (const [other, otherExtent] of extents) {
        if (other < key && ratio(extent, otherExtent) > limitOf([key, extent], [other, otherExtent]))
          this.#tell(key, `extends over ${show(extent)} in ${where}, but "${other}" over ${show(otherExtent)}`);
      }
    }
  }

  #tell(key: string, problem: string): void {
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.warn(`"${key}" ${problem}: are they in the same unit (mm beside m)?`);
  }
}

/** Largest difference of two coordinates, over all axes. */
function extentOf(x: Tensor): number {
  if (!isFloatingPoint(x) || x.numel() === 0) return 0;
  return scope(() => {
    const [min, max] = aminmax(x.detach());
    return max.item() - min.item();
  });
}

/** What the numbers of a normalizer say about the size of the point clouds; null: nothing. */
function expectedExtent(normalizer: ComposePreProcess | undefined): number | null {
  const first = normalizer?.transforms[0];
  const step = first instanceof FieldNormalizer ? first.inner : first;
  if (step instanceof PositionNormalizer)
    return scope(() => step.rawPosMax.max().item()) - scope(() => step.rawPosMin.min().item());
  if (step instanceof MeanStdNormalization && !step.logscale) return DEVIATIONS * scope(() => step.std.max().item());
  return null;
}

/** How much larger the larger of two point clouds of a sample may be. */
function limitOf(...clouds: [name: string, extent: number][]): number {
  const [small, large] = clouds.sort(([, a], [, b]) => a - b).map(([name]) => /(^|_)(surface|body|wall)/.test(name));
  return large && !small ? BODY_OVER_SPACE : BETWEEN_PROPERTIES;
}

function ratio(a: number, b: number): number {
  return Math.max(a, b) / Math.min(a, b);
}

function show(extent: number): string {
  return extent.toPrecision(3);
}
