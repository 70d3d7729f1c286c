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
    { surface_friction_mean: [1, 2] },
    { surface_friction_mean: [1, 2, 3, 4] },
    { surface_pressure_mean: 1 },
    { raw_pos_min: [1, 2, 3] },
    { volume_vorticity_magnitude_mean: "much" },
  ])("%j is refused", (stats) => {
    expect(() => AeroStatsSchema.create(stats as never)).toThrow();
  });
});
