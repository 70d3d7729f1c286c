import { CONDUCTIVITY, type Heatsink } from "./heatsink";

/** One straight fin on a foot of its own thickness, heated all over its underside: the fin equation describes it. */
export const FIN: Heatsink = {
  width: 2,
  depth: 60,
  fin_count: 1,
  fin_thickness: 2,
  fin_height: 38,
  base_thickness: 4,
  chip_size: 60, // wider than the foot, which takes power · foot / chip
  chip_offset: 0,
  power: 60,
  convection: 100,
};

/**
 * Temperature above the air of a fin at the height z (m), by the fin equation T″ = m² T with m² = h · perimeter / (k · section), the heat
 * flux at z = 0 and convection at the tip. It takes each section to have one temperature.
 */
export function finTemperature(fin: Heatsink, z: number): number {
  const [thickness, depth] = [fin.fin_thickness / 1000, fin.depth / 1000];
  const length = (fin.base_thickness + fin.fin_height) / 1000;
  const flux = fin.power / (fin.chip_size / 1000) ** 2;
  const h = fin.convection;
  const m = Math.sqrt((h * 2 * (thickness + depth)) / (CONDUCTIVITY * thickness * depth));
  const tip = h / (m * CONDUCTIVITY);
  const [here, whole] = [m * (length - z), m * length];
  const profile = (Math.cosh(here) + tip * Math.sinh(here)) / (Math.sinh(whole) + tip * Math.cosh(whole));
  return (flux / (CONDUCTIVITY * m)) * profile;
}
