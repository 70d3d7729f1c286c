/** A plate with straight fins above a chip; lengths in mm. x goes across the fins, y along them, z up from the chip. */
export interface Heatsink {
  readonly width: number;
  /** Along the fins. */
  readonly depth: number;
  readonly fin_count: number;
  /** Above the base. */
  readonly fin_height: number;
  readonly fin_thickness: number;
  readonly base_thickness: number;
  /** Edge of the square under the base through which the heat comes. */
  readonly chip_size: number;
  /** From the middle of the base to that of the chip, in the direction of x. */
  readonly chip_offset: number;
  /** Heat that the chip gives off, in W. */
  readonly power: number;
  /** Heat transfer coefficient of all surfaces but the underside, in W/(m² K). */
  readonly convection: number;
}

/** Thermal conductivity of the metal (an aluminium alloy), in W/(m K). */
export const CONDUCTIVITY = 160;

/** Area that the air cools, in m²: everything but the underside. */
export function cooledArea({
  width,
  depth,
  fin_count,
  fin_height,
  fin_thickness,
  base_thickness,
}: Pick<Heatsink, "width" | "depth" | "fin_count" | "fin_height" | "fin_thickness" | "base_thickness">): number {
  const base = width * depth + 2 * base_thickness * (width + depth);
  const sides = fin_count * fin_height * 2 * (depth + fin_thickness);
  return (base + sides) * 1e-6;
}

/** Share of a rectangle (m) in the plane z = 0 that lies above the chip. */
export function shareOnChip(
  { chip_size, chip_offset }: Heatsink,
  [x0, x1]: readonly [number, number],
  [y0, y1]: readonly [number, number],
): number {
  const half = chip_size / 2000;
  const middle = chip_offset / 1000;
  const x = Math.min(x1, middle + half) - Math.max(x0, middle - half);
  const y = Math.min(y1, half) - Math.max(y0, -half);
  return (Math.max(0, x) * Math.max(0, y)) / ((x1 - x0) * (y1 - y0));
}
