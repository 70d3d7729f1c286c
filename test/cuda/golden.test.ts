/** The golden cases of `test/golden` in float32 on the device. */
import { toCurrentState } from "../../lib/core/release-1.1";
import { type nn, scope } from "../../lib/torch";
import type { Tensor } from "../../lib/torch";
import { buildModule, callModule, goldenIndex, goldenLoss, loadCase } from "../golden/cases";
import { expectTruth, float32Bound } from "../golden/comparison";
import { takeUncomputed } from "./device";

const inFormOf = (module: nn.Module, tensors: ReadonlyMap<string, Tensor>) =>
  toCurrentState(tensors, module.stateDict().keys());
const moved = (tensors: Iterable<[string, Tensor]>, device: string) =>
  new Map([...tensors].map(([name, tensor]) => [name, tensor.to(device)]));

it.each(goldenIndex.map((entry) => [entry.name, entry] as const))("%s", (name, entry) =>
  scope(() => {
    takeUncomputed();
    const golden = loadCase(name);
    const module = buildModule(entry).to("cuda") as nn.Module;
    module.loadStateDict(inFormOf(module, golden.weight));
    const outputs = callModule(module, entry, moved(golden.input, "cuda"));
    const loss = goldenLoss(outputs);
    if (loss.requiresGrad) loss.backward();
    const gradients = new Map<string, Tensor>();
    for (const [parameter, { grad }] of module.namedParameters()) if (grad !== null) gradients.set(parameter, grad);

    expect(new Set([...outputs, ...gradients].map(([, { device }]) => device))).toEqual(new Set(["cuda:0"]));
    const [grad, grad64] = [inFormOf(module, golden.grad), inFormOf(module, golden.grad64)];
    expectTruth(moved(outputs, "cpu"), golden.output64, float32Bound(golden.output, golden.output64));
    expectTruth(moved(gradients, "cpu"), grad64, float32Bound(grad, grad64));
    expect(takeUncomputed()).toEqual({});
  }),
);
