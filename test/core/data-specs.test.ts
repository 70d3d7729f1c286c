import { fieldSlices, totalDim } from "../../lib/core/data-specs/field-dim-spec";
import { allFeatures, allTargets, ModelDataSpecs, totalOutputDim } from "../../lib/core/data-specs/model-data-specs";

describe("FieldDimSpec", () => {
  test("slices in the order of the mapping, empty fields left out", () => {
    expect([...fieldSlices({ pressure: 1, nothing: 0, friction: 3 })]).toEqual([
      ["pressure", [0, 1]],
      ["friction", [1, 4]],
    ]);
    expect(totalDim({ pressure: 1, friction: 3 })).toBe(4);
    expect(totalDim(null)).toBe(0);
  });
});

describe("ModelDataSpecs", () => {
  const specs = ModelDataSpecs.create({
    position_dim: 3,
    domains: {
      wake: { output_dims: { k: 1 }, feature_dim: { sdf: 1 } },
      surface: { output_dims: { pressure: 1, friction: 3 }, feature_dim: { normals: 3, sdf: 1 } },
    },
  });

  test("targets with the prefix of their domain, features by their own names, in order", () => {
    expect(allTargets(specs)).toEqual(["wake_k", "surface_pressure", "surface_friction"]);
    expect(allFeatures(specs)).toEqual(["sdf", "normals"]);
    expect(totalOutputDim(specs)).toBe(5);
  });

  test("the keys of release 1.1 are the domains surface and volume", () => {
    const old = {
      position_dim: 3,
      volume_output_dims: { velocity: 3 },
      surface_output_dims: { pressure: 1 },
      surface_feature_dim: { sdf: 1 },
      total_output_dim: 4,
    };
    expect(ModelDataSpecs.create(old as never)).toEqual(
      ModelDataSpecs.create({
        position_dim: 3,
        domains: {
          surface: { output_dims: { pressure: 1 }, feature_dim: { sdf: 1 } },
          volume: { output_dims: { velocity: 3 } },
        },
      }),
    );
  });

  const domains = (names: object) => () => ModelDataSpecs.create({ position_dim: 3, domains: names } as never);
  test.each([
    ["a name of digits", domains({ 2: { output_dims: {} } }), "lose: add a letter"],
    ["a name with a dot", domains({ "rear.wing": { output_dims: {} } }), "without dots"],
    [
      "two outputs of one name",
      domains({ rear: { output_dims: { wing_p: 1 } }, rear_wing: { output_dims: { p: 1 } } }),
      "is an output of domain rear, too",
    ],
    ["an unknown key", domains({ surface: { output_dims: {}, features: {} } }), "feature_dim"],
    ["positions without dimensions", () => ModelDataSpecs.create({ position_dim: 0 }), "position_dim"],
  ])("refuses %s", (_, create, message) => {
    expect(create).toThrow(message);
  });
});
