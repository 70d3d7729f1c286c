/** Options that predictions and evaluations of runs share. */
import type { ForceOptions, Precision } from "../inference";
import { UsageError } from "./hydra-arguments";

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

/** Which weights. */
export const LOAD_OPTIONS = {
  checkpoint: text,
  weights: text,
  device: text,
  dtype: text,
  project: text,
  dataset: text,
} as const;

/** How forces are computed. */
export const FORCE_OPTIONS = {
  forces: flag,
  density: text,
  velocity: text,
  area: text,
  length: text,
  drag: text,
  lift: text,
  centre: text,
  "reference-pressure": text,
  "pressure-kind": text,
  pressure: text,
  friction: text,
  body: text,
  "flip-friction": flag,
  normals: text,
} as const;

export const FORCE_USAGE = `Forces on the body (N), printed with --forces or any of these
  --density KG/M3 --velocity M/S|X,Y,Z --area M2 [--length M]
                        reference values, for coefficients all three
  --drag X,Y,Z --lift X,Y,Z --centre X,Y,Z --reference-pressure P
  --pressure-kind KIND  pascal (default), kinematic (p/rho), coefficient
  --pressure FIELD --friction FIELD --body DOMAIN
  --flip-friction       the friction is OpenFOAM's wallShearStress
  --normals out|in      where they point, if the surface is open`;

type ForceValues = { readonly [K in keyof typeof FORCE_OPTIONS]?: string | boolean };

/** The forces that are wanted; null: none. */
export function readForceOptions(values: ForceValues): ForceOptions | null {
  const isWanted = (Object.keys(FORCE_OPTIONS) as (keyof ForceValues)[]).some((name) => values[name] !== undefined);
  if (!isWanted) return null;
  const get = (name: keyof ForceValues): string | undefined => values[name] as string | undefined;
  const velocity = get("velocity");
  return given({
    density: numberOf("density", get("density")),
    velocity: velocity?.includes(",") ? vector("velocity", velocity) : numberOf("velocity", velocity),
    area: numberOf("area", get("area")),
    length: numberOf("length", get("length")),
    dragDirection: vector("drag", get("drag")),
    liftDirection: vector("lift", get("lift")),
    centre: vector("centre", get("centre")),
    referencePressure: numberOf("reference-pressure", get("reference-pressure")),
    pressureKind: choice("pressure-kind", get("pressure-kind"), ["pascal", "kinematic", "coefficient"]),
    pressureField: get("pressure"),
    frictionField: get("friction"),
    domain: get("body"),
    flipFriction: values["flip-friction"] as boolean | undefined,
    normals: choice("normals", get("normals"), ["out", "in"]),
  });
}

/** Without the entries that were not given. */
export function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

export function numberOf(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() === "" || !Number.isFinite(number))
    throw new UsageError(`--${name}: expected a number, got "${value}"`);
  return number;
}

/** `--dtype`. */
export function dtypeOf(value: string | undefined): Precision | undefined {
  return choice("dtype", value, ["float32", "float64"]);
}

function vector(name: string, value: string | undefined): [number, number, number] | undefined {
  if (value === undefined) return undefined;
  const numbers = value.split(",").map((part) => numberOf(name, part)!);
  if (numbers.length !== 3) throw new UsageError(`--${name}: expected three numbers X,Y,Z, got "${value}"`);
  return numbers as [number, number, number];
}

function choice<const T extends string>(name: string, value: string | undefined, choices: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  const found = choices.find((each) => each === value);
  if (found === undefined) throw new UsageError(`--${name}: expected ${choices.join(", ")}, got "${value}"`);
  return found;
}
