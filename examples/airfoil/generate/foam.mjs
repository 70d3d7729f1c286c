/**
 * One OpenFOAM case: dictionaries, the run of simpleFoam, and reading the result back.
 *
 * Steady incompressible RANS, Spalart-Allmaras, SIMPLEC. Chord 1 m, kinematic viscosity 1.5e-5 m²/s, so the free-stream
 * speed in m/s is Re * 1.5e-5. The airfoil is not turned: the free stream comes at the angle of attack.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildGrid, cellCentre, writePolyMesh } from "./mesh.mjs";

export const VISCOSITY = 1.5e-5;

const file = (type, object, body) =>
  `FoamFile { version 2.0; format ascii; class ${type}; object ${object}; }\n${body}\n`;

function field(type, object, dimensions, value, farfield, airfoil) {
  return file(
    type,
    object,
    `dimensions [${dimensions}];
internalField uniform ${value};
boundaryField
{
  farfield { ${farfield} }
  airfoil { ${airfoil} }
  frontAndBack { type empty; }
}`,
  );
}

/** Write the case into `directory`. `endTime` = largest number of iterations. */
export function writeCase(directory, { shape, angle, speed }, { grid, endTime = 1500 } = {}) {
  rmSync(directory, { recursive: true, force: true });
  for (const name of ["0", "constant", "system"]) mkdirSync(join(directory, name), { recursive: true });
  const write = (name, text) => writeFileSync(join(directory, name), text);

  const radians = (angle * Math.PI) / 180;
  const [c, s] = [Math.cos(radians), Math.sin(radians)];
  const velocity = `(${speed * c} ${speed * s} 0)`;
  // Fully turbulent inflow as the NASA turbulence modeling resource advises: nuTilda / nu = 3 to 5.
  const nuTilda = 4 * VISCOSITY;
  const chi3 = 4 ** 3;
  const nut = (nuTilda * chi3) / (chi3 + 7.1 ** 3);

  write(
    "0/U",
    field(
      "volVectorField",
      "U",
      "0 1 -1 0 0 0 0",
      velocity,
      `type freestreamVelocity; freestreamValue uniform ${velocity};`,
      "type noSlip;",
    ),
  );
  write(
    "0/p",
    field(
      "volScalarField",
      "p",
      "0 2 -2 0 0 0 0",
      "0",
      "type freestreamPressure; freestreamValue uniform 0;",
      "type zeroGradient;",
    ),
  );
  write(
    "0/nuTilda",
    field(
      "volScalarField",
      "nuTilda",
      "0 2 -1 0 0 0 0",
      nuTilda,
      `type freestream; freestreamValue uniform ${nuTilda};`,
      "type fixedValue; value uniform 0;",
    ),
  );
  write(
    "0/nut",
    field(
      "volScalarField",
      "nut",
      "0 2 -1 0 0 0 0",
      nut,
      `type freestream; freestreamValue uniform ${nut};`,
      "type nutUSpaldingWallFunction; value uniform 0;",
    ),
  );

  write(
    "constant/transportProperties",
    file("dictionary", "transportProperties", `transportModel Newtonian;\nnu ${VISCOSITY};`),
  );
  write(
    "constant/turbulenceProperties",
    file(
      "dictionary",
      "turbulenceProperties",
      "simulationType RAS;\nRAS { RASModel SpalartAllmaras; turbulence on; printCoeffs off; }",
    ),
  );

  write(
    "system/controlDict",
    file(
      "dictionary",
      "controlDict",
      `application simpleFoam;
startFrom startTime; startTime 0; stopAt endTime; endTime ${endTime}; deltaT 1;
writeControl timeStep; writeInterval ${endTime}; purgeWrite 1;
writeFormat ascii; writePrecision 8; writeCompression off; timeFormat general; timePrecision 6; runTimeModifiable false;
functions
{
  forces
  {
    type forceCoeffs; libs ("libforces.so"); writeControl timeStep; writeInterval 1; log false;
    patches (airfoil); p p; U U; rho rhoInf; rhoInf 1; pRef 0;
    liftDir (${-s} ${c} 0); dragDir (${c} ${s} 0); CofR (0.25 0 0); pitchAxis (0 0 -1);
    magUInf ${speed}; lRef 1; Aref 1;
  }
}`,
    ),
  );
  write(
    "system/fvSchemes",
    file(
      "dictionary",
      "fvSchemes",
      `ddtSchemes { default steadyState; }
gradSchemes { default Gauss linear; }
divSchemes
{
  default none;
  div(phi,U) bounded Gauss linearUpwind grad(U);
  div(phi,nuTilda) bounded Gauss limitedLinear 1;
  div((nuEff*dev2(T(grad(U))))) Gauss linear;
}
laplacianSchemes { default Gauss linear corrected; }
interpolationSchemes { default linear; }
snGradSchemes { default corrected; }
wallDist { method meshWave; }`,
    ),
  );
  write(
    "system/fvSolution",
    file(
      "dictionary",
      "fvSolution",
      `solvers
{
  p { solver GAMG; tolerance 1e-9; relTol 0.1; smoother GaussSeidel; }
  "(U|nuTilda)" { solver smoothSolver; smoother GaussSeidel; nSweeps 2; tolerance 1e-10; relTol 0.1; }
}
SIMPLE { nNonOrthogonalCorrectors 0; consistent yes; residualControl { p 2e-6; U 2e-6; } }
relaxationFactors { fields { p 0.9; } equations { U 0.8; nuTilda 0.8; } }`,
    ),
  );

  const mesh = buildGrid(shape, grid);
  writePolyMesh(mesh, directory);
  return mesh;
}

/** Run simpleFoam. Throws with the end of its log if it fails; returns the log. */
export function runSimpleFoam(directory, { timeout = 180_000 } = {}) {
  const environment = { WM_PROJECT_DIR: "/usr/share/openfoam", ...process.env };
  const result = spawnSync("simpleFoam", ["-case", directory], {
    env: environment,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    timeout,
  });
  if (result.error?.code === "ENOENT") throw new Error("simpleFoam is not on the PATH: apt-get install openfoam");
  const log = `${result.stdout ?? ""}${result.stderr ?? ""}`;
  writeFileSync(join(directory, "log.simpleFoam"), log);
  if (result.status !== 0) throw new Error(`simpleFoam failed (status ${result.status}): ${log.slice(-500)}`);
  return log;
}

function internalField(path, components) {
  const text = readFileSync(path, "utf8");
  const match = /internalField\s+nonuniform List<\w+>\s*(\d+)\s*\(/.exec(text);
  if (!match) throw new Error(`${path} has no nonuniform internal field`);
  const count = Number(match[1]);
  const start = match.index + match[0].length;
  const end = text.indexOf("\n)", start);
  const numbers = text.slice(start, end).replace(/[()]/g, " ").trim().split(/\s+/);
  if (numbers.length !== count * components)
    throw new Error(`${path}: expected ${count * components} numbers, got ${numbers.length}`);
  return Float64Array.from(numbers, Number);
}

/**
 * Read the last time of a finished case.
 *
 * @returns lift, drag, iterations, `settled` (largest deviation of the lift coefficient over the last 100 iterations),
 *   per cell its centre (x, y), velocity and pressure, and per airfoil face its two end points and the pressure;
 *   velocity in units of the speed, pressure as coefficient p / (speed² / 2)
 */
export function readCase(directory, mesh, { speed }) {
  const times = readdirSync(directory)
    .filter((name) => /^\d+$/.test(name) && name !== "0")
    .map(Number);
  const last = Math.max(...times);
  const p = internalField(join(directory, String(last), "p"), 1);
  const u = internalField(join(directory, String(last), "U"), 3);
  const rows = readFileSync(join(directory, "postProcessing", "forces", "0", "coefficient.dat"), "utf8").split("\n");
  const columns = rows
    .filter((row) => row.startsWith("# Time"))
    .at(-1)
    .replace("#", " ")
    .trim()
    .split(/\s+/);
  const history = rows.filter((row) => row && !row.startsWith("#")).map((row) => row.trim().split(/\s+/).map(Number));
  const value = (row, name) => row[columns.indexOf(name)];
  const end = history.at(-1);
  const lift = value(end, "Cl");
  const settled = Math.max(...history.slice(-100).map((row) => Math.abs(value(row, "Cl") - lift)));

  const { columns: nI, layers, wake } = mesh;
  const cells = [];
  for (let i = 0; i < nI; i++) {
    for (let j = 0; j < layers; j++) {
      const n = i * layers + j;
      const pressure = p[n] / (0.5 * speed * speed);
      cells.push({ position: cellCentre(mesh, i, j), velocity: [u[3 * n] / speed, u[3 * n + 1] / speed], pressure });
    }
  }
  const surface = [];
  for (let i = wake; i < nI - wake; i++) {
    // The wall has zero normal pressure gradient: its pressure is that of its cell.
    surface.push({ from: mesh.node(i, 0), to: mesh.node(i + 1, 0), pressure: p[i * layers] / (0.5 * speed * speed) });
  }
  return { lift, drag: value(end, "Cd"), iterations: last, settled, cells, surface };
}
