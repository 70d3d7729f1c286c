import { fromLogscale, toLogscale } from "../../../lib/core/functional/logscale";
import { tensor } from "../../../lib/torch";
import { expectEntries } from "../../modeling/helpers";

describe("log scale", () => {
  it("is symmetric", () => {
    expectEntries(
      toLogscale(tensor([1, 2, 3, 0, -1, -2, -3])),
      [0.693147, 1.098612, 1.386294, 0, -0.693147, -1.098612, -1.386294],
      1e-6,
    );
    expectEntries(fromLogscale(tensor([0.6931, 1.0986, 1.3863, -0.6931])), [1, 2, 3, -1], 1e-4);
  });

  it("is undone by its inverse", () => {
    expectEntries(fromLogscale(toLogscale(tensor([-3, -1, 0, 1, 3]))), [-3, -1, 0, 1, 3], 1e-6);
  });
});
