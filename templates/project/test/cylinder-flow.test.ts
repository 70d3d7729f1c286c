import assert from "node:assert/strict";
import { test } from "node:test";
import { zeros, type Tensor } from "noether-ts/torch";
import { CylinderFlow, CylinderFlowConfig, flowAt } from "../src/datasets/cylinder-flow";
import { PointMlp, PointMlpConfig } from "../src/models/point-mlp";

const flowCase = { angle: 0.3, circulation: 2 };
const near = (value: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(value - expected) <= tolerance, `expected ${expected}, received ${value}`);

test("nothing flows through the wall", () => {
  for (let theta = 0; theta < 6; theta += 0.5) {
    const [x, y] = [Math.cos(theta), Math.sin(theta)];
    const { u, v } = flowAt(x, y, flowCase);
    near(u * x + v * y, 0);
  }
});

test("far away the stream is free", () => {
  const { u, v, cp } = flowAt(1e9, 1e9, flowCase);
  near(u, Math.cos(0.3), 1e-8);
  near(v, Math.sin(0.3), 1e-8);
  near(cp, 0, 1e-8);
});

test("mass is conserved", () => {
  const h = 1e-5;
  const du = flowAt(1.5 + h, 1, flowCase).u - flowAt(1.5 - h, 1, flowCase).u;
  const dv = flowAt(1.5, 1 + h, flowCase).v - flowAt(1.5, 1 - h, flowCase).v;
  near((du + dv) / (2 * h), 0, 1e-9);
});

test("samples have the flow at their points", async () => {
  const dataset = new CylinderFlow(CylinderFlowConfig.create({ kind: "CylinderFlow", num_samples: 3, num_points: 5 }));
  const sample = await dataset.get(2);
  const rows = (key: string) => (sample[key] as Tensor).toArray() as number[][];
  const [angle, circulation] = (sample["condition"] as Tensor).toArray() as [number, number];
  const [velocity, pressure] = [rows("velocity"), rows("pressure")];
  rows("position").forEach(([x, y], index) => {
    const { u, v, cp } = flowAt(x!, y!, { angle, circulation });
    near(velocity[index]![0]!, u, 1e-4);
    near(velocity[index]![1]!, v, 1e-4);
    near(pressure[index]![0]!, cp, 1e-4);
  });
});

test("the model predicts both fields at every point", () => {
  const model = new PointMlp(PointMlpConfig.create({ kind: "PointMlp", name: "point_mlp", hidden_dim: 8 }));
  const { velocity, pressure } = model.forward({ position: zeros([2, 5, 2]), condition: zeros([2, 2]) });
  assert.deepEqual(velocity.shape, [2, 5, 2]);
  assert.deepEqual(pressure.shape, [2, 5, 1]);
});
