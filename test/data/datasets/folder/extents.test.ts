import { diagonal, oddExtents, type Extent } from "../../../../lib/data/datasets/folder/extents";

const surface = (size: number): Extent => ({ name: "surface", size, isBody: true });
const volume = (size: number): Extent => ({ name: "volume", size, isBody: false });

test.each<[string, Extent[], boolean]>([
  ["a body in a wind tunnel", [surface(5), volume(60)], false],
  ["an airfoil in a far field of 200 chords", [surface(1), volume(280)], false],
  ["a body in mm beside a volume in m", [surface(5000), volume(60)], true],
  ["a body in m beside a volume in mm", [surface(5), volume(60000)], true],
  ["a channel whose walls are as large as the volume", [surface(3), volume(3)], false],
  ["a domain of one point", [surface(0), volume(3)], false],
  ["one domain", [volume(3)], false],
])("%s", (_, extents, isOdd) => {
  expect(oddExtents(extents).length > 0).toBe(isOdd);
  expect(oddExtents([...extents].reverse()).length > 0).toBe(isOdd);
});

test("both are named, the larger one first", () => {
  expect(oddExtents([volume(60), surface(5123.4)])).toEqual(["surface extends over 5120, volume over 60"]);
});

test("the diagonal of a box", () => {
  expect(diagonal([0, 1, 2], [2, 4, 8])).toBe(7);
});
