import { RANGES, type Case } from "./cases";
import { DENSITY, referenceArea, SPEED } from "./foam";
import { readSolution } from "./simulate";

/** Columns of cases.csv. */
export type Row = Record<string, string | number>;

/** What a case must reach to be kept. */
const LIMITS = { drag_change: 0.002, pressure_residual: 5e-3 };

/**
 * One row of cases.csv; forces are those of the half body in N.
 *
 * @throws Error for a case that has not converged
 */
export function rowOf({ name, body }: Case, folder: string): Row {
  const { cells, iterations, averaged, residual, drag_change, drag_coefficient, lift_coefficient, force } =
    readSolution(folder);
  if (drag_change > LIMITS.drag_change || residual.pressure > LIMITS.pressure_residual)
    throw new Error(
      `${name} has not converged: drag coefficient moved by ${drag_change}, residual of the pressure ${residual.pressure}`,
    );
  const short = (value: number) => Number(value.toPrecision(6));
  const axes = (kind: "pressure" | "viscous") =>
    ["x", "y", "z"].map((axis, i) => [`force_${kind}_${axis}`, short(force[kind][i]!)]);
  return {
    case: name,
    ...Object.fromEntries(Object.keys(RANGES).map((key) => [key, body[key as keyof typeof RANGES]])),
    reference_area: short(referenceArea(body)),
    speed: SPEED,
    density: DENSITY,
    drag_coefficient: short(drag_coefficient),
    lift_coefficient: short(lift_coefficient),
    ...(Object.fromEntries([...axes("pressure"), ...axes("viscous")]) as Row),
    cells,
    iterations,
    averaged: Number(averaged),
    drag_change: Number(drag_change.toPrecision(2)),
    pressure_residual: Number(residual.pressure.toPrecision(2)),
  };
}

/** The text of cases.csv. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [Object.keys(rows[0]!), ...rows.map((row) => Object.values(row))].map((line) => line.join(","));
  return `${lines.join("\n")}\n`;
}
