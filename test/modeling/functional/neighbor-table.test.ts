/** Tables of neighbours hold the edges of the searches, which are tested against brute force. */
import { knn, knnTable, radius, radiusTable } from "../../../lib/modeling/functional";
import type { NeighborTable } from "../../../lib/modeling/functional";
import { Generator, rand, scope, tensor, type Tensor } from "../../../lib/torch";

/** Edges [y, x] of a table, row by row. */
function edgesOf({ index, valid }: NeighborTable): number[][] {
  const holds = valid?.toArray() as boolean[][] | undefined;
  return (index.toArray() as number[][]).flatMap((row, y) =>
    row.flatMap((x, place) => (holds?.[y]![place] === false ? [] : [[y, x]])),
  );
}
const pairs = (edges: Tensor) => edges.t().toArray() as number[][];
const points = (count: number, seed: number) => rand([count, 3], { generator: new Generator().manualSeed(seed) });
const samples = (...counts: number[]) =>
  tensor(
    counts.flatMap((count, sample) => Array.from({ length: count }, () => sample)),
    { dtype: "int64" },
  );

test.each([1, 8, 1000])("radius with at most %i neighbours", (maxNumNeighbors) =>
  scope(() => {
    const [x, y] = [points(70, 1), points(20, 2)];
    const options = { maxNumNeighbors };
    expect(edgesOf(radiusTable(x, y, 0.4, options))).toEqual(pairs(radius(x, y, 0.4, options)));
  }),
);

test("points at exactly the radius count, and among equal distances the lower index is nearer", () =>
  scope(() => {
    const x = tensor([[3], [1], [-1], [1], [2.5]]);
    const y = tensor([[0], [2]]);
    const options = { maxNumNeighbors: 5 };
    expect(edgesOf(radiusTable(x, y, 1, options))).toEqual([
      [0, 1],
      [0, 2],
      [0, 3],
      [1, 0],
      [1, 1],
      [1, 3],
      [1, 4],
    ]);
    expect(edgesOf(knnTable(x, y, 2))).toEqual([
      [0, 1],
      [0, 2],
      [1, 4],
      [1, 0],
    ]);
  }));

test("points of different samples do not meet, and a sample may have fewer points than there are places", () =>
  scope(() => {
    const [x, y] = [points(43, 3), points(9, 4)];
    const batches = { batchX: samples(3, 30, 10), batchY: samples(3, 3, 3) };
    const options = { ...batches, maxNumNeighbors: 12 };
    expect(edgesOf(radiusTable(x, y, 0.5, options))).toEqual(pairs(radius(x, y, 0.5, options)));
    expect(edgesOf(knnTable(x, y, 5, batches))).toEqual(pairs(knn(x, y, 5, batches)));
  }));

test.each(["float16", "bfloat16", "float64"] as const)("%s", (dtype) =>
  scope(() => {
    const [x, y] = [points(50, 5).to(dtype), points(20, 6).to(dtype)];
    const options = { maxNumNeighbors: 16 };
    expect(edgesOf(radiusTable(x, y, 0.3, options))).toEqual(pairs(radius(x, y, 0.3, options)));
    expect(edgesOf(knnTable(x, y, 7))).toEqual(pairs(knn(x, y, 7)));
  }),
);

test("without neighbours every place is empty", () =>
  scope(() => {
    const { index, valid } = radiusTable(points(5, 7), points(4, 8).add(10), 1, { maxNumNeighbors: 3 });
    expect(index.shape).toEqual([4, 3]);
    expect(index.toArray()).toEqual(Array.from({ length: 4 }, () => [0, 0, 0]));
    expect(valid!.any().item()).toBeFalsy();
  }));
