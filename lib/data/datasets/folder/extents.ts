import { getLogger } from "../../../core/logging";

/** Length of the diagonal of a box around points, in the unit of the positions after conversion. */
export interface Extent {
  readonly name: string;
  readonly size: number;
  /** Whether the points are those of a body, which lies inside of the other domains. */
  readonly isBody: boolean;
}

/** Sizes that differ by so much are not in the same unit, whatever the points are. */
const UNLIKELY_RATIO = 300;
/** A body is not so many times as large as the space around it. */
const UNLIKELY_BODY = 15;

/** What is odd about the sizes of domains of one case, or of one domain in several cases: a unit that is not the one of the others, mostly. */
export function oddExtents(extents: readonly Extent[]): string[] {
  return extents.flatMap((first, i) =>
    extents.slice(i + 1).flatMap((second) => {
      const [large, small] = first.size >= second.size ? [first, second] : [second, first];
      const limit = large.isBody && !small.isBody ? UNLIKELY_BODY : UNLIKELY_RATIO;
      if (!(small.size > 0) || large.size / small.size < limit) return [];
      return [`${large.name} extends over ${short(large.size)}, ${small.name} over ${short(small.size)}`];
    }),
  );
}

/** Warns of the first odd pair. */
export function warnOfExtents(extents: readonly Extent[]): void {
  const [first] = oddExtents(extents);
  if (first !== undefined)
    getLogger("FolderDataset").warning(`${first}: are these in one unit? units: { position: mm } converts to metres`);
}

/** Diagonal of the box from the lower to the upper corner. */
export function diagonal(min: readonly number[], max: readonly number[]): number {
  return Math.hypot(...max.map((value, d) => value - min[d]!));
}

function short(size: number): string {
  return String(Number(size.toPrecision(3)));
}
