/** Options that predictions and evaluations of runs share. */
import type { ForceOptions } from "../inference";
import { choice, flag, integer, numberOf, number, parsed, text, type Section, type ValuesOf } from "./options";

/** Which weights, and where they compute. */
export const LOAD_OPTIONS = {
  checkpoint: text({ value: "NAME", otherwise: "latest", does: "E10, best_model.loss.test.total, ..." }),
  weights: text({ value: "NAME", does: "averages: ema=0.9999" }),
  device: text({ value: "DEVICE", otherwise: "cpu", does: "cuda, cuda:1" }),
  dtype: choice(["float32", "float64"], { otherwise: "float32", does: "precision" }),
  project: text({ value: "FOLDER", does: "where classes such as ./model.ts#Model are" }),
} as const;

/** Points of a prediction, and its random numbers. */
export const POINT_OPTIONS = {
  "chunk-size": integer({ value: "N", least: 1, otherwise: "16384", does: "points at a time; memory grows with it" }),
  seed: integer({ value: "N", otherwise: "0", does: "choice of anchors" }),
} as const;

function vector(does: string) {
  return parsed({ value: "X,Y,Z", expected: "three numbers X,Y,Z", does }, (given) => threeNumbers(given));
}

function threeNumbers(given: string): [number, number, number] | undefined {
  const numbers = given.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  return numbers.length === 3 && numbers.every(Number.isFinite) ? (numbers as [number, number, number]) : undefined;
}

/** How forces are computed. */
export const FORCE_OPTIONS = {
  forces: flag({ does: "print them" }),
  density: number({ value: "KG/M3", does: "reference value, for coefficients with velocity and area" }),
  velocity: parsed(
    { value: "M/S|X,Y,Z", expected: "a number, or three, X,Y,Z", does: "reference value" },
    (given): number | [number, number, number] | undefined =>
      given.includes(",") ? threeNumbers(given) : numberOf("velocity", given),
  ),
  area: number({ value: "M2", does: "reference value" }),
  length: number({ value: "M", does: "reference value, for moments" }),
  drag: vector("direction of the drag"),
  lift: vector("direction of the lift"),
  centre: vector("of moments"),
  "reference-pressure": number({ value: "P", does: "pressure far away" }),
  "pressure-kind": choice(["pascal", "kinematic", "coefficient"], {
    otherwise: "pascal",
    does: "kinematic: p/rho, as of incompressible solvers",
  }),
  pressure: text({ value: "FIELD", does: "which field is the pressure" }),
  friction: text({ value: "FIELD", does: "which field is the friction" }),
  body: text({ value: "DOMAIN", does: "on which surface" }),
  "flip-friction": flag({ does: "the friction is OpenFOAM's wallShearStress" }),
  normals: choice(["out", "in"], { does: "where they point, if the surface is open" }),
} as const;

/** The part of a command's options about forces. */
export const FORCE_SECTION = {
  title: "Forces on the body (N), printed with any of these",
  options: FORCE_OPTIONS,
} as const satisfies Section;

/** The forces that are wanted; null: none. */
export function readForceOptions(
  values: ValuesOf<typeof FORCE_OPTIONS>,
  names: ReadonlySet<string>,
): ForceOptions | null {
  if (!Object.keys(FORCE_OPTIONS).some((name) => names.has(name))) return null;
  return given({
    density: values.density,
    velocity: values.velocity,
    area: values.area,
    length: values.length,
    dragDirection: values.drag,
    liftDirection: values.lift,
    centre: values.centre,
    referencePressure: values["reference-pressure"],
    pressureKind: values["pressure-kind"],
    pressureField: values.pressure,
    frictionField: values.friction,
    domain: values.body,
    flipFriction: values["flip-friction"] || undefined,
    normals: values.normals,
  });
}

/** Without the entries that were not given. */
export function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
