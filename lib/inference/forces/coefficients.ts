import { ValueError } from "../../config/python-errors";
import type { Forces, Vector } from "./surface-forces";

/** The state of the free stream and the size of a body, in SI units. */
export interface ReferenceValues {
  /** kg/m³ */
  readonly density: number;
  /** m/s; a vector gives the direction of drag, a number is along x. */
  readonly velocity: number | Vector;
  /** m² */
  readonly area: number;
  /** m, for the coefficients of moments. */
  readonly length?: number;
  /** Default: that of the velocity. */
  readonly dragDirection?: Vector;
  /** Default: z without its part along drag, in the plane y. */
  readonly liftDirection?: Vector;
}

/** Forces divided by dynamic pressure and area, moments also by the length. */
export interface ForceCoefficients {
  readonly cd: number;
  readonly cl: number;
  /** Along lift × drag. */
  readonly cs: number;
  /** Parts of the drag. */
  readonly cd_pressure: number;
  readonly cd_friction: number | null;
  /** Of the moment about lift × drag; null without a length. */
  readonly cm_pitch: number | null;
}

/** ρ U² / 2, Pa. */
export function dynamicPressure({ density, velocity }: Pick<ReferenceValues, "density" | "velocity">): number {
  const speed = typeof velocity === "number" ? velocity : Math.hypot(...velocity);
  return (density * speed ** 2) / 2;
}

/**
 * Coefficients of forces, as OpenFOAM's `forceCoeffs` (`magUInf`, `rhoInf`, `Aref`, `lRef`, `dragDir`, `liftDir`).
 *
 * @throws ValueError for values that are not positive, and directions without a length
 */
export function forceCoefficients(forces: Forces, reference: ReferenceValues): ForceCoefficients {
  const { density, area, length, velocity } = reference;
  const speed = typeof velocity === "number" ? velocity : Math.hypot(...velocity);
  for (const [name, value] of Object.entries({
    density,
    velocity: speed,
    area,
    ...(length === undefined ? {} : { length }),
  }))
    if (!(value > 0 && Number.isFinite(value)))
      throw new ValueError(`${name}: expected a number above 0, got ${value}`);
  const drag = unit("drag", reference.dragDirection ?? (typeof velocity === "number" ? [1, 0, 0] : velocity));
  const lift = unit("lift", reference.liftDirection ?? perpendicular(drag));
  const side = cross(lift, drag);
  const scale = 1 / (dynamicPressure(reference) * area);
  return {
    cd: scale * dot(forces.total, drag),
    cl: scale * dot(forces.total, lift),
    cs: scale * dot(forces.total, side),
    cd_pressure: scale * dot(forces.pressure, drag),
    cd_friction: forces.friction === null ? null : scale * dot(forces.friction, drag),
    cm_pitch: length === undefined ? null : (scale * dot(forces.moment, side)) / length,
  };
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function cross([a, b, c]: Vector, [x, y, z]: Vector): Vector {
  return [b * z - c * y, c * x - a * z, a * y - b * x];
}

function unit(name: string, vector: Vector): Vector {
  const length = Math.hypot(...vector);
  if (!(length > 0 && Number.isFinite(length)))
    throw new ValueError(`${name}: expected a direction, got ${vector.join(", ")}`);
  return [vector[0] / length, vector[1] / length, vector[2] / length];
}

/** z without its part along drag; where drag is along z, y. */
function perpendicular(drag: Vector): Vector {
  const up: Vector = Math.abs(drag[2]) > 0.99 ? [0, 1, 0] : [0, 0, 1];
  const along = dot(up, drag);
  return [up[0] - along * drag[0], up[1] - along * drag[1], up[2] - along * drag[2]];
}
