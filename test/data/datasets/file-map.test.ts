import { dumpConfig } from "../../../lib/config/schema";
import { FileMap } from "../../../lib/data";

describe("FileMap", () => {
  const given = { surface_position: "surface_position_vtp.pt", volume_velocity: "volume_cell_velocity.pt" };
  test("names are kept, the others are null", () => {
    const files = FileMap.create(given);
    expect(files).toMatchObject(given);
    expect(files.surface_area).toBeNull();
    expect(Object.values(files).filter((name) => name !== null)).toHaveLength(2);
  });
  test("what is written is what was given", () =>
    expect(dumpConfig(FileMap.create(given), { onlyGiven: true })).toEqual(given));
  test("a name is a text", () => expect(() => FileMap.create({ surface_area: 3 as never })).toThrow());
});
