import { gelu, randn, setNumThreads, ops, scope, ones, grad, tensor, zeros, full, type Tensor } from "../../lib/torch";
it("time", () => {
  setNumThreads(1);
  const x = randn([1 << 20]), g = randn([1 << 20]);
  const deep = full([1 << 20], -20);
  const time = (name: string, f: () => Tensor) => {
    for (let i = 0; i < 3; i++) f().dispose();
    const t = process.hrtime.bigint();
    for (let i = 0; i < 20; i++) f().dispose();
    console.log(name, Number(process.hrtime.bigint() - t) / 20 / (1 << 20), "ns/elem");
  };
  time("noether gelu", () => gelu(x));
  time("aten gelu", () => ops.call("aten::gelu", x.view([1 << 10, 1 << 10]).t(), { approximate: "none" }) as Tensor);
  time("noether gelu of -20", () => gelu(deep));
  const d = (v: Tensor) => (grad([gelu(v.requiresGrad_()).sum()], [v]) as [Tensor])[0];
  const big = zeros([5000]);
  big.narrow(0, 0, 6).copy_(tensor([-1e38, 1e38, -1e36, Infinity, -Infinity, 1e33]));
  console.log(d(big).narrow(0, 0, 6).toArray(), d(big.detach().narrow(0, 0, 6).clone()).toArray());
});
