import { dumpConfig } from "../../../lib/config/schema";
import { AeroStatsSchema } from "../../../lib/data/stats/aero-stats";

describe("AeroStatsSchema", () => {
  test("values are kept", () => {
    const stats = AeroStatsSchema.create({
      surface_friction_mean: [1, 2, 3],
      surface_pressure_mean: [4],
      volume_vorticity_magnitude_mean: 5,
    });
    expect(stats).toMatchObject({
      surface_friction_mean: [1, 2, 3],
      surface_pressure_mean: [4],
      volume_vorticity_magnitude_mean: 5,
    });
    expect(stats.volume_sdf_mean).toBeNull();
  });
  test.each([
    { surface_domain_min: [-1, 0, 1], volume_vorticity_std: [1, 2, 3] },
    { surface_pressure_std: [1], raw_pos_min: [-4], volume_sdf_mean: [0.5] },
    { volume_vorticity_magnitude_std: 3.5 },
    { inflow_design_parameters_mean: [1, 2], geometry_design_parameters_max: [1, 2, 3, 4, 5] },
  ])("%j: kept, and nothing else is written", (stats) => {
    const created = AeroStatsSchema.create(stats as never);
    expect(created).toMatchObject(stats);
    expect(Object.keys(dumpConfig(created, { onlyGiven: true })).sort()).toEqual(Object.keys(stats).sort());
  });
  test.each([
    { surface_friction_mean: [1, 2] },
    { surface_friction_mean: [1, 2, 3, 4] },
    { surface_pressure_mean: 1 },
    { raw_pos_min: [1, 2, 3] },
    { surface_pressure_std: [1, 2] },
    { surface_friction_std: ["a", 1, 2] },
    { volume_vorticity_magnitude_mean: "much" },
  ])("%j is refused", (stats) => {
    expect(() => AeroStatsSchema.create(stats as never)).toThrow(Object.keys(stats)[0]);
  });
});
