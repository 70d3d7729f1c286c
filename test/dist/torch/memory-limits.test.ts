/** What the process may hold: tensors outside scopes, and copies to JavaScript that do not fit. Measured in processes of their own. */
import { printed } from "../../support/child";

const MiB = 2 ** 20;

/** Prelude of a measured program: `measure()` samples, `report()` prints what was held beyond the start, in MiB. */
const meter = `
  let highest = 0;
  const start = process.memoryUsage.rss();
  const measure = () => { highest = Math.max(highest, process.memoryUsage.rss()); };
  const report = () => { measure(); console.log(JSON.stringify({
    resident: (highest - start) / ${MiB}, peak: T.memory().peakBytes / ${MiB}, tensors: T.memory().tensors })); };`;

interface Report {
  readonly resident: number;
  readonly peak: number;
  readonly tensors: number;
}

const held = (program: string): Report => JSON.parse(printed(`${meter}${program} report();`).at(-1)!) as Report;

describe("without scopes", () => {
  test("9,000 sums of 400 KB with the event loop turning level off", () => {
    const { resident, peak } = held(`
      for (let i = 0; i < 9000; i++) {
        T.ones([100_000]).add(1);
        await turn();
        if (i % 50 === 0) measure();
      }`);
    expect(peak).toBeLessThan(256);
    expect(resident).toBeLessThan(256);
  });

  test.each([
    ["synchronous", ""],
    ["with the event loop turning", "await turn();"],
    ["with promises only", "await null;"],
  ])("20,000 inference calls stay near what is alive: %s", (_, between) => {
    const { resident, peak } = held(`
      const { Linear, Sequential, GELU } = T.nn;
      const model = new Sequential(new Linear(64, 256), new GELU(), new Linear(256, 256), new GELU(), new Linear(256, 4));
      const x = T.randn([32, 64]);
      for (let i = 0; i < 20_000; i++) {
        T.noGrad(() => model.forward(x));
        ${between}
        if (i % 100 === 0) measure();
      }`);
    expect(peak).toBeLessThan(256);
    expect(resident).toBeLessThan(256);
  });

  test("a forward pass without backward counts with what its graph holds", () => {
    const { peak } = held(`
      const model = new T.nn.Sequential(...Array.from({ length: 10 }, () => new T.nn.Linear(256, 256)));
      const x = T.randn([1000, 256]);
      for (let i = 0; i < 300; i++) T.scope(() => model.forward(x).sum());`);
    expect(peak).toBeLessThan(300);
  });

  test("a synchronous loop of 20,000 updates stays below 1 GiB", () => {
    const { resident, tensors } = held(`
      const { Linear, Sequential, GELU } = T.nn;
      const model = new Sequential(new Linear(16, 64), new GELU(), new Linear(64, 1));
      const optimizer = new T.optim.AdamW(model.parameters(), { lr: 1e-3 });
      const x = T.randn([64, 16]), y = T.randn([64, 1]);
      for (let i = 0; i < 20_000; i++) {
        optimizer.zeroGrad();
        model.forward(x).sub(y).square().mean().backward();
        optimizer.step();
        if (i % 500 === 0) measure();
      }`);
    expect(resident).toBeLessThan(512);
    expect(tensors).toBeLessThan(200_000);
  });

  test("what is alive stays, and its size is the measure", () => {
    const { peak } = held(`
      const kept = Array.from({ length: 100 }, () => T.ones([MiB]));
      for (let i = 0; i < 2000; i++) T.ones([MiB / 4]).add(1);
      if (kept.some((x) => x.index(0).item() !== 1)) throw new Error("freed");`.replaceAll("MiB", String(MiB)));
    expect(peak).toBeGreaterThanOrEqual(400);
    expect(peak).toBeLessThan(3 * 400 + 256);
  });

  test("tensors that are disposed of leave nothing behind", () => {
    const { resident } = held(`for (let i = 0; i < 1_000_000; i++) { T.ones([1]).dispose(); if (i % 10_000 === 0) measure(); }`);
    expect(resident).toBeLessThan(128);
  });
});

describe("copies to JavaScript that do not fit", () => {
  const limited = { kilobytes: 3_200_000 }; // a gigabyte fits, a second does not
  const attempt = (name: string): string =>
    `const attempt = (body) => { try { body(); console.log("${name} fits"); } catch (error) { console.log(error.code ?? error.name); } };`;

  test.each([
    ["dataSync", "x.dataSync()"],
    ["bytes", "x.bytes()"],
    ["toArray", "x.toArray()"],
    ["tolist", "x.tolist()"],
    ["half to float", `x.view("float16").dataSync()`],
    ["a full print", `T.setPrintOptions({ profile: "full" }); String(x)`],
  ])("%s is an error, and the process goes on", (name, body) => {
    const lines = printed(
      `${attempt(name)} const x = T.zeros([250_000_000]); attempt(() => { ${body} }); console.log(x.sum().item());`,
      limited,
    );
    expect(lines).toEqual(["ERR_OUT_OF_MEMORY", "0"]);
  });

  test("toArray of what the heap has no room for, with memory to spare", () => {
    const lines = printed(`${attempt("toArray")} const x = T.zeros([1]).expand([2 ** 29]); attempt(() => x.toArray());`);
    expect(lines).toEqual(["ERR_OUT_OF_MEMORY"]);
  });

  test("a tensor that does not fit is an error, again and again", () => {
    const lines = printed(
      `${attempt("zeros")} const held = T.zeros([300_000_000]); for (let i = 0; i < 20; i++) attempt(() => T.zeros([2 ** 33]).add(held)); console.log(held.sum().item());`,
      limited,
    );
    expect(lines).toEqual([...Array<string>(20).fill("ERR_OUT_OF_MEMORY"), "0"]);
  });
});
