import { numpyPermutation, randomOrder } from "../../lib/data";

// Vectors of PyTorch's CPU randperm and NumPy's default_rng(seed).permutation(n).
describe("random orders", () => {
  test.each([
    [0, 10, [4, 1, 7, 5, 3, 9, 0, 8, 6, 2]],
    [0, 5, [4, 0, 1, 3, 2]],
    [1, 8, [5, 4, 2, 6, 7, 3, 1, 0]],
    [42, 10, [2, 6, 1, 8, 4, 5, 0, 9, 3, 7]],
  ])("randperm with seed %i of %i", (seed, n, expected) => {
    expect(randomOrder(n, seed)).toEqual(expected);
  });

  test("a long randperm starts as PyTorch's", () => {
    expect(randomOrder(500, 42).slice(0, 10)).toEqual([42, 32, 120, 29, 478, 70, 496, 324, 306, 461]);
  });

  test("only the low 32 bits of a seed count", () => {
    expect(randomOrder(10, 2 ** 32 + 42)).toEqual(randomOrder(10, 42));
  });

  test.each([
    [42, 20, [15, 9, 14, 7, 12, 10, 6, 19, 3, 0, 16, 5, 11, 18, 2, 4, 17, 1, 13, 8]],
    [0, 10, [4, 6, 2, 7, 3, 5, 9, 0, 8, 1]],
    [7, 5, [2, 0, 4, 1, 3]],
  ])("NumPy's permutation with seed %i of %i", (seed, n, expected) => {
    expect(numpyPermutation(n, seed)).toEqual(expected);
  });
});
