import {
  AeroDataSpecs,
  surfaceTargets,
  totalOutputDim,
  volumeTargets,
} from "../../lib/core/data-specs/aero-data-specs";
import { fieldSlices, totalDim } from "../../lib/core/data-specs/field-dim-spec";

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

describe("AeroDataSpecs", () => {
  const specs = AeroDataSpecs.create({
    position_dim: 3,
    surface_output_dims: { pressure: 1, friction: 3 },
    volume_output_dims: { velocity: 3 },
  });
  test("targets with their prefix, in order", () => {
    expect(surfaceTargets(specs)).toEqual(["surface_pressure", "surface_friction"]);
    expect(volumeTargets(specs)).toEqual(["volume_velocity"]);
    expect(totalOutputDim(specs)).toBe(7);
  });
  test("positions have dimensions", () => {
    expect(() => AeroDataSpecs.create({ position_dim: 0, surface_output_dims: {} })).toThrow();
  });
});
