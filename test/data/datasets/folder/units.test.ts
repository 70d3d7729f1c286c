import { isUnit, toSI } from "../../../../lib/data/datasets/folder/units";

test.each<[string, number]>([
  ["m", 1],
  ["mm", 1e-3],
  ["µm", 1e-6],
  ["in", 0.0254],
  ["ft", 0.3048],
  ["km/h", 1 / 3.6],
  ["mph", 0.44704],
  ["kPa", 1e3],
  ["bar", 1e5],
  ["psi", 6894.757293168361],
  ["kg/m^3", 1],
  ["g/cm3", 1e3],
  ["m2/s2", 1],
  ["m²/s²", 1],
  ["mm^2/s", 1e-6],
  ["J/kg/K", 1],
  ["kg m^-3", 1],
  ["N.m", 1],
  ["min", 60],
  ["1/min", 1 / 60],
  ["rpm", (2 * Math.PI) / 60],
  ["deg", Math.PI / 180],
  ["%", 0.01],
  ["1", 1],
])("%s", (unit, factor) => {
  expect(toSI(unit).factor / factor).toBeCloseTo(1, 12);
  expect(toSI(unit).offset).toBe(0);
});

test("temperatures have another zero", () => {
  const kelvin = (value: number, unit: string) => value * toSI(unit).factor + toSI(unit).offset;
  expect(kelvin(25, "degC")).toBeCloseTo(298.15, 12);
  expect(kelvin(212, "degF")).toBeCloseTo(373.15, 10);
  expect(kelvin(300, "K")).toBe(300);
});

test.each([
  "",
  " ",
  "furlong",
  "mmm",
  "m/",
  "/s",
  "m^",
  "m**2",
  "degC/s",
  "PA",
  "Mm/S",
  "constructor",
  "m^3^2",
  "km/h/",
  "J/kg K",
])("%j is no unit", (text) => expect(isUnit(text)).toBe(false));

test("what is known is told", () => {
  expect(() => toSI("mmm")).toThrow(/unknown unit "mmm".*known are m, mm/);
});
