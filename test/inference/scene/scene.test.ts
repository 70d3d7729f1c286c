import { Mesh } from "../../../lib/data";
import { sceneOf } from "../../../lib/inference/scene/scene";
import type { CaseDomain } from "../../../lib/inference";
import { CellType } from "../../../lib/data";

/** Two triangles and a quad in the plane. */
const surface = new Mesh({
  points: Float32Array.from([0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 2, 0, 0]),
  cells: {
    connectivity: Int32Array.from([0, 1, 2, 3, 1, 4, 2]),
    offsets: Int32Array.from([0, 4, 7]),
    types: Uint8Array.from([CellType.QUAD, CellType.TRIANGLE]),
  },
});
const floats = (text: string) => [...new Float32Array(new Uint8Array(Buffer.from(text, "base64")).buffer)];
const numbers = (text: string) => [...new Uint32Array(new Uint8Array(Buffer.from(text, "base64")).buffer)];
const scene = (domain: Partial<CaseDomain>, values: number[], shape: number[]) =>
  sceneOf(
    {
      domains: ["body"],
      inputs: [],
      outputs: [{ name: "body_p", domain: "body", field: "p", channels: 1 }],
      datasetConfig: null,
      dtype: "float32",
    },
    {
      files: {
        name: "case",
        inputs: {},
        domains: [
          {
            name: "body",
            mesh: surface,
            location: "points",
            metres: 1,
            positions: { values: new Float32Array(15), shape: [5, 3] },
            truth: new Map(),
            ...domain,
          },
        ],
      },
      fields: { body_p: { values: Float32Array.from(values), shape } },
    },
    "about",
  ).domains[0]!;

it("has values on points as they are, and polygons as triangles", () => {
  const drawn = scene(
    { truth: new Map([["body_p", { values: Float32Array.from([5, 4, 3, 2, 1]), shape: [5] }]]) },
    [1, 2, 3, 4, 5],
    [5],
  );
  expect(floats(drawn.points)).toEqual([...surface.points]);
  expect(numbers(drawn.triangles!)).toEqual([0, 1, 2, 0, 2, 3, 1, 4, 2]);
  expect(drawn.fields.map(({ predicted, truth, ...rest }) => [rest, floats(predicted), floats(truth!)])).toEqual([
    [{ name: "p", components: 1 }, [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]],
  ]);
});

it("gives every triangle of a cell the value of the cell", () => {
  const drawn = scene({ location: "cells" }, [7, 8], [2]);
  expect(floats(drawn.fields[0]!.predicted)).toEqual([7, 7, 7, 7, 7, 7, 8, 8, 8]);
  expect(floats(drawn.points).slice(18)).toEqual([1, 0, 0, 2, 0, 0, 1, 1, 0]);
  expect(drawn.fields[0]!.truth).toBeNull();
});

it("draws points where there is no surface, in the plane with z = 0", () => {
  const positions = { values: Float32Array.from([1, 2, 3, 4]), shape: [2, 2] };
  const drawn = scene({ mesh: null, positions }, [1, 2, 3, 4], [2, 2]);
  expect(drawn.triangles).toBeNull();
  expect(floats(drawn.points)).toEqual([1, 2, 0, 3, 4, 0]);
  expect(drawn.fields[0]).toMatchObject({ components: 2 });
});
