/** Thousands of updates take no more memory than the first ones, eager and captured. */
import { cuda, memory, nn, optim, randn, scope, type Tensor } from "../../lib/torch";
import { isFake, testOnCuda } from "./device";

const UPDATES = isFake ? 200 : 5000; // operators of the fake device are slow, and their memory is counted as a GPU's
const WARM_UP = UPDATES / 10;

function inUse() {
  return { allocated: cuda.memoryAllocated(), reserved: cuda.memoryReserved(), tensors: memory().tensors };
}

const variants = cuda.graphsUnavailableReason() === null ? ["eager", "captured"] : ["eager"];
testOnCuda.each(variants)(`memory is flat over ${UPDATES} updates, %s`, (variant) =>
  scope(() => {
    const model = new nn.Sequential(new nn.Linear(32, 64), new nn.LayerNorm(64), new nn.GELU(), new nn.Linear(64, 8));
    model.to("cuda");
    const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3, capturable: true });
    const run = ({ x, y }: { x: Tensor; y: Tensor }): Tensor => {
      optimizer.zeroGrad();
      const loss = nn.functional.mseLoss(model.forward(x), y);
      loss.backward();
      nn.utils.clipGradNorm_(model.parameters(), 1);
      optimizer.step();
      return loss.detach();
    };
    const captured = new cuda.CapturedFunction(run);
    const update = () =>
      scope(() => {
        const inputs = { x: randn([16, 32], { device: "cuda" }), y: randn([16, 8], { device: "cuda" }) };
        return (variant === "captured" ? captured.call(inputs) : run(inputs)).item();
      });

    for (let i = 0; i < WARM_UP; i++) update();
    const before = inUse();
    for (let i = WARM_UP; i < UPDATES; i++) expect(update()).toBeGreaterThan(0);
    expect(inUse()).toEqual(before);
    expect(captured.fallBack).toBeNull();
    captured.reset();
  }),
);
