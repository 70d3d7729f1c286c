/** Three steps of every optimizer on θ = [1, −2, 3] in float64: lr 0.01, weight decay 0.1, other options default. */
import type { Tensor } from "../../../lib/torch";
import { optim, tensor } from "../../../lib/torch";

const GRADIENTS = [
  [0.1, -0.2, 0.3],
  [0.05, 0.1, -0.4],
  [-0.3, 0.2, 0.1],
];
const common = { lr: 0.01, weightDecay: 0.1 };

type Make = (params: Tensor[]) => optim.Optimizer;
const as = (optimizer: unknown): optim.Optimizer => optimizer as optim.Optimizer;

function run(make: Make, steps: number): number[] {
  const theta = tensor([1, -2, 3], { dtype: "float64" }).requiresGrad_();
  const optimizer = make([theta]);
  for (let step = 0; step < steps; step++) {
    theta.grad = tensor(GRADIENTS[step % 3]!, { dtype: "float64" });
    optimizer.step();
  }
  return theta.toArray() as number[];
}

const trajectories: [name: string, make: Make, first: number[], third: number[], digits: number][] = [
  ["SGD", (p) => as(new optim.SGD(p, common)), [0.998, -1.996, 2.994], [0.998505498, -1.995008996, 2.991010994], 9],
  [
    "SGD momentum",
    (p) => as(new optim.SGD(p, { ...common, momentum: 0.9 })),
    [0.998, -1.996, 2.994],
    [0.993739098, -1.987276196, 2.981661794],
    9,
  ],
  [
    "SGD dampening",
    (p) => as(new optim.SGD(p, { ...common, momentum: 0.9, dampening: 0.1 })),
    [0.998, -1.996, 2.994],
    [0.99382305338, -1.98746448676, 2.98186970514],
    11,
  ],
  [
    "SGD nesterov",
    (p) => as(new optim.SGD(p, { ...common, momentum: 0.9, nesterov: true })),
    [0.9962, -1.9924, 2.9886],
    [0.992882997282, -1.983578774564, 2.974534136846],
    11,
  ],
  [
    "Adam",
    (p) => as(new optim.Adam(p, common)),
    [0.9900000005, -1.99000000025, 2.990000000167],
    [0.978306152092, -1.975325329447, 2.9776534201],
    11,
  ],
  [
    "AdamW",
    (p) => as(new optim.AdamW(p, common)),
    [0.989000001, -1.9880000005, 2.987000000333],
    [0.981182751466, -1.984092249393, 2.983175274425],
    11,
  ],
  [
    "RMSprop",
    (p) => as(new optim.RMSprop(p, common)),
    [0.90000005, -1.900000025, 2.900000016667],
    [0.908993555853, -1.880948557388, 2.863698749859],
    11,
  ],
  [
    "RMSprop centered",
    (p) => as(new optim.RMSprop(p, { ...common, momentum: 0.9, centered: true })),
    [0.899496268979, -1.899496243727, 2.899496235309],
    [0.685370025034, -1.690726706237, 2.708272618227],
    11,
  ],
  [
    "Adagrad",
    (p) => as(new optim.Adagrad(p, common)),
    [0.990000000005, -1.990000000002, 2.990000000002],
    [0.990312043374, -1.987627588717, 2.986174602822],
    11,
  ],
  [
    "NAdam",
    (p) => as(new optim.NAdam(p, common)),
    [0.989435482615, -1.989435482351, 2.989435482263],
    [0.989037180794, -1.985534678477, 2.983914561239],
    7,
  ],
  [
    "RAdam",
    (p) => as(new optim.RAdam(p, common)),
    [0.998, -1.996, 2.994],
    [0.995908319674, -1.992057074383, 2.98875515906],
    11,
  ],
  [
    "Adamax",
    (p) => as(new optim.Adamax(p, common)),
    [0.9900000005, -1.99000000025, 2.990000000167],
    [0.979610894137, -1.980150794252, 2.981254097783],
    11,
  ],
  [
    "Adadelta",
    (p) => as(new optim.Adadelta(p, common)),
    [0.999968381176, -1.999968378212, 2.999968377663],
    [0.999974593439, -1.999956983559, 2.999950024197],
    11,
  ],
];

test.each(trajectories)("%s", (_name, make, first, third, digits) => {
  run(make, 1).forEach((value, i) => expect(value).toBeCloseTo(first[i]!, digits));
  run(make, 3).forEach((value, i) => expect(value).toBeCloseTo(third[i]!, digits));
});

test("ASGD", () => {
  const make: Make = (p) => as(new optim.ASGD(p, common));
  run(make, 1).forEach((value, i) =>
    expect(value).toBeCloseTo([0.997999000045, -1.995998000089, 2.993997000134][i]!, 7),
  );
  run(make, 3).forEach((value, i) =>
    expect(value).toBeCloseTo([0.998502504663, -1.995003011846, 2.991002019406][i]!, 7),
  );
});

test("Adafactor", () => {
  const make: Make = (p) => as(new optim.Adafactor(p, common));
  run(make, 1).forEach((value, i) =>
    expect(value).toBeCloseTo([0.977397531005, -1.976397531005, 2.975397531005][i]!, 11),
  );
  run(make, 3).forEach((value, i) =>
    expect(value).toBeCloseTo([0.990173730466, -2.009060025808, 2.986272240112][i]!, 11),
  );
});

test("Rprop, without decay", () => {
  const make: Make = (p) => as(new optim.Rprop(p, { lr: 0.01 }));
  run(make, 1).forEach((value, i) => expect(value).toBeCloseTo([0.99, -1.99, 2.99][i]!, 12));
  run(make, 3).forEach((value, i) => expect(value).toBeCloseTo([0.978, -1.995, 2.985][i]!, 12));
});

test("Muon, in bfloat16", () => {
  const theta = tensor([
    [1, 2, 3],
    [-1, 0.5, 2],
  ]).requiresGrad_();
  const optimizer = new optim.Muon([theta], { lr: 0.01, weightDecay: 0.1 });
  for (let step = 0; step < 3; step++) {
    theta.grad = tensor([GRADIENTS[step]!, GRADIENTS[(step + 1) % 3]!]);
    optimizer.step();
  }
  const expected = [0.998596, 1.993067, 2.993176, -0.991536, 0.494216, 1.996549];
  (theta.reshape([-1]).toArray() as number[]).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 3));
  const buffer = [-0.008112501, 0.005725, -0.0004625, -0.00699375, 0.0040125, 0.0017];
  const own = (optimizer.state.get(theta)!.momentum_buffer as Tensor).reshape([-1]).toArray() as number[];
  own.forEach((value, i) => expect(value).toBeCloseTo(buffer[i]!, 7));
});

test("Muon is for matrices", () => {
  expect(() => new optim.Muon([tensor([1]).requiresGrad_()])).toThrow(
    "Muon: expected matrices as parameters, got shape [1]",
  );
});

test("RAdam past the step where it starts to rectify", () => {
  const expected = [0.993742070509, -1.987190275642, 2.981608890339];
  run((p) => as(new optim.RAdam(p, common)), 8).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 11));
});

test("AdamW in float32", () => {
  const theta = tensor([1, -2, 3]).requiresGrad_();
  const optimizer = new optim.AdamW([theta], common);
  for (const gradient of GRADIENTS) {
    theta.grad = tensor(gradient);
    optimizer.step();
  }
  const expected = [0.9811828136444092, -1.984092354774475, 2.983175277709961];
  (theta.toArray() as number[]).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));
});
