import { tensor } from "../../../lib/torch";
import { RunningStats } from "../../../lib/data";
import { AssertionError } from "../../../lib/config/python-errors";

describe("RunningStats", () => {
  // numpy: x = [[1, -7], [3, 0], [-15, 7]]; x.mean(0), x.var(0, ddof=1), and the same of sign(x) * log1p(abs(x))
  test("linear and logarithmic moments side by side, from parts", () => {
    const stats = new RunningStats("velocity");
    stats.pushTensor(tensor([[1, -7], [3, 0]])); // prettier-ignore
    stats.pushTensor(tensor([[-15, 7]]));
    expect([stats.min, stats.max]).toEqual([
      [-15, -7],
      [3, 7],
    ]);
    const expected: [number[], number[]][] = [
      [stats.mean, [-3.6666666666666665, 0]],
      [stats.var, [97.33333333333333, 49]],
      [stats.std, [9.865765724632494, 7]],
      [stats.logmean, [-0.23104906018664848, 0]],
      [stats.logvar, [4.964681143821414, 4.324077125263812]],
      [stats.logstd, [2.2281564450956792, 2.0794415416798357]],
    ];
    for (const [actual, truth] of expected) actual.forEach((x, c) => expect(x).toBeCloseTo(truth[c]!, 12));
  });
  test("without enough values", () => {
    const stats = new RunningStats("velocity");
    expect(() => stats.mean).toThrow(AssertionError);
    stats.pushTensor(tensor([1]));
    expect(() => stats.logvar).toThrow('"velocity": expected at least 2 values, has 1');
  });
});
