import { ValueError } from "../../config/python-errors";
import type { FieldMap, NdArray } from "../../data";
import type { CaseDomain } from "../cases";
import { dynamicPressure, forceCoefficients, type ForceCoefficients, type ReferenceValues } from "./coefficients";
import { surfaceForces, type Forces, type Vector } from "./surface-forces";

/** What the pressure of a run is: in Pa, divided by the density (m²/s², OpenFOAM's incompressible solvers), or a coefficient. */
export type PressureKind = "pascal" | "kinematic" | "coefficient";

/** How forces on a body are computed from its fields. */
export interface ForceOptions extends Partial<ReferenceValues> {
  /** Domain with the surface of the body. Default: the only one that is a surface. */
  readonly domain?: string;
  /** Default `pascal`. */
  readonly pressureKind?: PressureKind;
  /** In the unit of the pressure. Default 0. */
  readonly referencePressure?: number;
  /** Names of the fields within the domain. Default `pressure` and, where the run has it, `friction`. */
  readonly pressureField?: string;
  readonly frictionField?: string;
  /** The friction is that of the wall on the fluid, as OpenFOAM's `wallShearStress` has it. Default false. */
  readonly flipFriction?: boolean;
  /** Where the normals of the mesh point. Default: found out where the surface encloses a body. */
  readonly normals?: "out" | "in" | "auto";
  /** Point of reference of moments, m. Default: the origin. */
  readonly centre?: Vector;
}

/** Forces of one case. */
export interface CaseForces {
  readonly forces: Forces;
  /** Null where reference values were not given. */
  readonly coefficients: ForceCoefficients | null;
}

const REFERENCES = ["density", "velocity", "area"] as const;

/**
 * The reference values of coefficients; null where none is given.
 *
 * @throws ValueError that names the missing ones
 */
export function referenceValues(options: ForceOptions): ReferenceValues | null {
  const needed: readonly (keyof ForceOptions)[] =
    options.pressureKind === "coefficient" ? REFERENCES : options.pressureKind === "kinematic" ? ["density"] : [];
  const given = REFERENCES.filter((name) => options[name] !== undefined);
  const wantsCoefficients = ["velocity", "area", "length", "dragDirection", "liftDirection"].some(
    (name) => options[name as keyof ForceOptions] !== undefined,
  );
  const wanted = wantsCoefficients ? REFERENCES : needed;
  const missing = wanted.filter((name) => options[name] === undefined);
  if (missing.length > 0)
    throw new ValueError(
      `forces: expected ${wanted.join(", ")}${wantsCoefficients ? " for coefficients" : ` for a pressure that is ${options.pressureKind}`}, got ${given.join(", ") || "none"}; give ${missing.map((name) => `--${name}`).join(" and ")}`,
    );
  return wantsCoefficients ? (options as ReferenceValues) : null;
}

/** The domain of the body. @throws ValueError where it has to be named */
export function bodyDomain(domains: readonly CaseDomain[], wanted: string | undefined): CaseDomain {
  const surfaces = domains.filter(
    ({ mesh }) => mesh !== null && mesh.numberOfCells > 0 && mesh.cells.types.every(isFlat),
  );
  const found = wanted === undefined ? surfaces : surfaces.filter(({ name }) => name === wanted);
  if (found.length === 1) return found[0]!;
  throw new ValueError(
    `forces: expected ${wanted === undefined ? "one domain" : `the domain "${wanted}"`} with a surface, got ${surfaces.map(({ name }) => name).join(", ") || "none: they need a mesh with cells"}; name it with --body DOMAIN`,
  );
}

const isFlat = (type: number): boolean => [5, 6, 7, 8, 9].includes(type);

/**
 * Forces on the body by its fields.
 *
 * @param fieldOf - a field of the domain by its name in it; undefined: there is none
 */
export function caseForces(
  domain: CaseDomain,
  fieldOf: (field: string) => NdArray | undefined,
  options: ForceOptions,
): CaseForces {
  const reference = referenceValues(options);
  const { pressureField = "pressure", frictionField, pressureKind = "pascal", flipFriction = false } = options;
  const pressure = fieldOf(pressureField);
  if (pressure === undefined)
    throw new ValueError(
      `forces: expected the field "${pressureField}" on ${domain.name}, got none; name it with --pressure FIELD`,
    );
  const friction = fieldOf(frictionField ?? "friction");
  if (friction === undefined && frictionField !== undefined)
    throw new ValueError(`forces: expected the field "${frictionField}" on ${domain.name}, got none`);
  const factor =
    pressureKind === "pascal" ? 1 : pressureKind === "kinematic" ? options.density! : dynamicPressure(reference!);
  const mesh = domain.mesh!;
  const points = domain.metres === 1 ? mesh.points : Float64Array.from(mesh.points, (x) => x * domain.metres);
  const forces = surfaceForces({
    mesh: mesh.with({ points }),
    location: domain.location,
    pressure,
    friction: friction === undefined ? null : flipFriction ? negated(friction) : friction,
    factor,
    referencePressure: options.referencePressure ?? 0,
    normals: options.normals ?? "auto",
    centre: options.centre ?? [0, 0, 0],
  });
  return { forces, coefficients: reference === null ? null : forceCoefficients(forces, reference) };
}

function negated({ values, shape }: NdArray): NdArray {
  return { values: Float64Array.from(values as Float64Array, (x) => -x), shape };
}

/** A friction force that points upstream: its sign is that of the wall on the fluid. */
export function frictionPointsUpstream({ coefficients }: CaseForces): boolean {
  return coefficients !== null && coefficients.cd_friction !== null && coefficients.cd_friction < 0;
}

/** Fields of a domain by their names in it, of a mapping by sample key. */
export function fieldsOfDomain(
  domain: string,
  fields: Readonly<Record<string, NdArray>> | ReadonlyMap<string, NdArray> | FieldMap,
): (field: string) => NdArray | undefined {
  return (field) => {
    const name = `${domain}_${field}`;
    return fields instanceof Map
      ? (fields as ReadonlyMap<string, NdArray>).get(name)
      : (fields as Record<string, NdArray>)[name];
  };
}
