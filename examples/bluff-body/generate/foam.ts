import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeMesh } from "../../../lib/data/readers";
import { bodySurface, frontalArea, type Body } from "./body";

/** Free stream in m/s; the ground moves with it. */
export const SPEED = 30;
/** kg/m³ */
export const DENSITY = 1.2;
/** Kinematic, in m²/s. */
export const VISCOSITY = 1.5e-5;
/** Edge of the cells of the background mesh in metres; at the body it is halved three times. */
const BACKGROUND_CELL = 0.16;
const BODY_LEVEL = 3;
/** A case that has not converged by then swings around a mean: its fields are those of the last {@link AVERAGED} iterations. */
export const ITERATIONS = 250;
export const AVERAGED = 91;

const header = (name: string, type = "dictionary") =>
  `FoamFile { version 2.0; format ascii; class ${type}; object ${name}; }\n`;

/** Area that force coefficients refer to: that of the half body, in m². */
export function referenceArea(body: Body): number {
  return frontalArea(body) / 2;
}

/** Box of the computation: half of a wind tunnel, x along the flow, z up. */
function tunnel(body: Body) {
  return { x: [-2.4, body.length + 4], y: [0, 1.6], z: [0, 1.6] } as const;
}

function blockMesh(body: Body): string {
  const { x, y, z } = tunnel(body);
  const cells = [x, y, z].map(([low, high]) => Math.round((high - low) / BACKGROUND_CELL));
  const corners = [0, 1].flatMap((k) =>
    [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ].map(([i, j]) => `(${x[i!]} ${y[j!]} ${z[k]})`),
  );
  const patch = (name: string, type: string, face: string) => `${name} { type ${type}; faces ((${face})); }`;
  return `${header("blockMeshDict")}
convertToMeters 1;
vertices (${corners.join(" ")});
blocks (hex (0 1 2 3 4 5 6 7) (${cells.join(" ")}) simpleGrading (1 1 1));
boundary (
  ${patch("inlet", "patch", "0 4 7 3")}
  ${patch("outlet", "patch", "1 2 6 5")}
  ${patch("middle", "symmetryPlane", "0 1 5 4")}
  ${patch("side", "symmetryPlane", "3 7 6 2")}
  ${patch("ground", "wall", "0 3 2 1")}
  ${patch("top", "symmetryPlane", "4 5 6 7")}
);
`;
}

function snappyHexMesh(body: Body): string {
  const { length, width, height, ride_height } = body;
  const box = (low: number[], high: number[]) =>
    `{ type searchableBox; min (${low.join(" ")}); max (${high.join(" ")}); }`;
  return `${header("snappyHexMeshDict")}
castellatedMesh true; snap true; addLayers false;
geometry {
  body.stl { type triSurfaceMesh; name body; }
  near ${box([-0.3, 0, 0], [length + 0.7, width / 2 + 0.2, ride_height + height + 0.2])}
  wake ${box([-0.6, 0, 0], [length + 1.8, width / 2 + 0.4, ride_height + height + 0.4])}
}
castellatedMeshControls {
  maxLocalCells 1000000; maxGlobalCells 2000000; minRefinementCells 0; nCellsBetweenLevels 2; maxLoadUnbalance 0.1;
  features ( { file "body.eMesh"; level ${BODY_LEVEL}; } );
  refinementSurfaces { body { level (${BODY_LEVEL} ${BODY_LEVEL}); patchInfo { type wall; } } }
  resolveFeatureAngle 30;
  refinementRegions { near { mode inside; levels ((1 ${BODY_LEVEL - 1})); } wake { mode inside; levels ((1 1)); } }
  locationInMesh (-1.0123 0.5321 0.7411);
  allowFreeStandingZoneFaces true;
}
snapControls { nSmoothPatch 3; tolerance 2; nSolveIter 30; nRelaxIter 5; nFeatureSnapIter 8; implicitFeatureSnap false; explicitFeatureSnap true; multiRegionFeatureSnap false; }
addLayersControls { layers {} relativeSizes true; expansionRatio 1; finalLayerThickness 0.3; minThickness 0.1; nGrow 0; featureAngle 60; nRelaxIter 3; nSmoothSurfaceNormals 1; nSmoothNormals 3;
  nSmoothThickness 10; maxFaceThicknessRatio 0.5; maxThicknessToMedialRatio 0.3; minMedianAxisAngle 90; nBufferCellsNoExtrude 0; nLayerIter 10; }
meshQualityControls { maxNonOrtho 65; maxBoundarySkewness 20; maxInternalSkewness 4; maxConcave 80; minVol 1e-13; minTetQuality 1e-15; minArea -1; minTwist 0.02; minDeterminant 0.001;
  minFaceWeight 0.05; minVolRatio 0.01; minTriangleTwist -1; nSmoothScale 4; errorReduction 0.75; relaxed { maxNonOrtho 75; } }
mergeTolerance 1e-6;
`;
}

function controlDict(body: Body): string {
  const forces = `libs (forces); writeControl timeStep; writeInterval 10; patches (body); rho rhoInf; rhoInf ${DENSITY}; CofR (0 0 0); log false;`;
  return `${header("controlDict")}
application simpleFoam; startFrom startTime; startTime 0; stopAt endTime; endTime ${ITERATIONS}; deltaT 1;
writeControl timeStep; writeInterval ${ITERATIONS}; purgeWrite 0; writeFormat binary; writePrecision 8; writeCompression off; timeFormat general; timePrecision 6; runTimeModifiable false;
functions {
  forces { type forces; ${forces} }
  coefficients { type forceCoeffs; ${forces} magUInf ${SPEED}; lRef ${body.length}; Aref ${referenceArea(body)}; dragDir (1 0 0); liftDir (0 0 1); pitchAxis (0 1 0); }
  wallShearStress { type wallShearStress; libs (fieldFunctionObjects); patches (body); writeControl writeTime; log false; }
  average { type fieldAverage; libs (fieldFunctionObjects); timeStart ${ITERATIONS - AVERAGED + 1}; writeControl writeTime; fields (${["p", "U", "wallShearStress"].map((name) => `${name} { mean on; prime2Mean off; base iteration; }`).join(" ")}); }
  residuals { type solverInfo; libs (utilityFunctionObjects); fields (p U k omega); writeControl timeStep; writeInterval 10; }
}
`;
}

const fvSchemes = `${header("fvSchemes")}
ddtSchemes { default steadyState; }
gradSchemes { default Gauss linear; grad(U) cellLimited Gauss linear 1; limited cellLimited Gauss linear 1; }
divSchemes { default none; div(phi,U) bounded Gauss linearUpwind grad(U); div(phi,k) bounded Gauss upwind; div(phi,omega) bounded Gauss upwind; div((nuEff*dev2(T(grad(U))))) Gauss linear; div(div(phi,U)) Gauss linear; }
laplacianSchemes { default Gauss linear limited 0.5; }
interpolationSchemes { default linear; }
snGradSchemes { default limited 0.5; }
wallDist { method meshWave; }
`;

const fvSolution = `${header("fvSolution")}
solvers {
  p { solver GAMG; smoother GaussSeidel; tolerance 1e-8; relTol 0.05; }
  "(U|k|omega)" { solver smoothSolver; smoother symGaussSeidel; tolerance 1e-9; relTol 0.1; nSweeps 1; }
}
SIMPLE { consistent yes; nNonOrthogonalCorrectors 0; residualControl { p 3e-4; U 6e-4; } }
relaxationFactors { fields { p 0.9; } equations { U 0.85; k 0.7; omega 0.7; } }
`;

/** Turbulence of the free stream: 1 % intensity, ten times the viscosity of the fluid. */
const K = 1.5 * (0.01 * SPEED) ** 2;
const OMEGA = K / (10 * VISCOSITY);

function field(
  name: string,
  type: string,
  dimensions: string,
  inside: string,
  patches: Record<string, string>,
): string {
  const planes = `"(middle|side|top)" { type symmetryPlane; }`;
  const entries = Object.entries(patches).map(([patch, text]) => `${patch} { ${text} }`);
  return `${header(name, type)}dimensions ${dimensions};\ninternalField uniform ${inside};\nboundaryField { ${planes} ${entries.join(" ")} }\n`;
}

function fields(): Record<string, string> {
  const stream = `(${SPEED} 0 0)`;
  const fixed = (value: string | number) => `type fixedValue; value uniform ${value};`;
  const out = (value: string | number) => `type inletOutlet; inletValue uniform ${value}; value uniform ${value};`;
  const still = "type zeroGradient;";
  const wall = (type: string, value: number) => `type ${type}; value uniform ${value};`;
  return {
    "0/U": field("U", "volVectorField", "[0 1 -1 0 0 0 0]", stream, {
      inlet: fixed(stream),
      outlet: out("(0 0 0)"),
      ground: fixed(stream),
      body: "type noSlip;",
    }),
    "0/p": field("p", "volScalarField", "[0 2 -2 0 0 0 0]", "0", {
      inlet: still,
      outlet: fixed(0),
      ground: still,
      body: still,
    }),
    "0/k": field("k", "volScalarField", "[0 2 -2 0 0 0 0]", String(K), {
      inlet: fixed(K),
      outlet: out(K),
      ground: wall("kqRWallFunction", K),
      body: wall("kqRWallFunction", K),
    }),
    "0/omega": field("omega", "volScalarField", "[0 0 -1 0 0 0 0]", String(OMEGA), {
      inlet: fixed(OMEGA),
      outlet: out(OMEGA),
      ground: wall("omegaWallFunction", OMEGA),
      body: wall("omegaWallFunction", OMEGA),
    }),
    "0/nut": field("nut", "volScalarField", "[0 2 -1 0 0 0 0]", String(10 * VISCOSITY), {
      inlet: "type calculated; value $internalField;",
      outlet: "type calculated; value $internalField;",
      ground: wall("nutkWallFunction", 0),
      body: wall("nutkWallFunction", 0),
    }),
  };
}

/** Writes the case of a body, ready to be meshed and run. */
export async function writeCase(folder: string, body: Body): Promise<void> {
  const files: Record<string, string> = {
    ...fields(),
    "constant/transportProperties": `${header("transportProperties")}transportModel Newtonian; nu ${VISCOSITY};\n`,
    "constant/turbulenceProperties": `${header("turbulenceProperties")}simulationType RAS; RAS { RASModel kOmegaSST; turbulence on; printCoeffs off; }\n`,
    "system/blockMeshDict": blockMesh(body),
    "system/surfaceFeatureExtractDict": `${header("surfaceFeatureExtractDict")}body.stl { extractionMethod extractFromSurface; includedAngle 168; writeObj no; }\n`,
    "system/snappyHexMeshDict": snappyHexMesh(body),
    "system/controlDict": controlDict(body),
    "system/fvSchemes": fvSchemes,
    "system/fvSolution": fvSolution,
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  mkdirSync(join(folder, "constant/triSurface"), { recursive: true });
  await writeMesh(bodySurface(body), join(folder, "constant/triSurface/body.stl"));
}
