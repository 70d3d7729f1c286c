/** Memory of the device that runs out: an error of JavaScript, after which everything goes on. */
import { empty, nn, optim, randn, scope, type Tensor } from "../../lib/torch";
import { testOnCuda } from "./device";

/** More elements than any device holds. */
const TOO_MANY = 2 ** 44;

testOnCuda("an allocation beyond the device's memory throws ERR_OUT_OF_MEMORY", () => {
  const allocate = () => empty([TOO_MANY], { device: "cuda" });
  expect(allocate).toThrow(expect.objectContaining({ code: "ERR_OUT_OF_MEMORY" }));
});

testOnCuda("training goes on after an update that ran out of memory, with the same numbers", () => {
  const train = (fail: boolean) =>
    scope(() => {
      const model = new nn.Linear(3, 2).to("cuda") as nn.Linear;
      for (const parameter of model.parameters()) nn.init.constant_(parameter, 0.5);
      const optimizer = new optim.AdamW(model.parameters(), { lr: 0.1 });
      const x = randn([4, 3]).fill_(0.25).to("cuda");
      const losses: number[] = [];
      for (let update = 0; update < 4; update++) {
        if (fail && update === 2) expect(() => x.expand([TOO_MANY, 4, 3]).contiguous()).toThrow(/memory/);
        optimizer.zeroGrad();
        const loss: Tensor = model.forward(x).square().mean();
        loss.backward();
        optimizer.step();
        losses.push(loss.item());
      }
      return losses;
    });
  expect(train(true)).toEqual(train(false));
});
