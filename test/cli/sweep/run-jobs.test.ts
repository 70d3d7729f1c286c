import { exitCodeOf, runJobs } from "../../../lib/cli/sweep/run-jobs";

const program = (source: string): string[] => ["-e", source];
const tell = (path: string): string => `process.send({ runPath: ${JSON.stringify(path)} });`;
const statuses = ({ results }: Awaited<ReturnType<typeof runJobs>>) => results.map(({ status }) => status);

test("a job that fails leaves the others alone, and decides the exit code", async () => {
  const jobs = [program(tell("/runs/0")), program("process.exit(3)"), program("process.exit(4)"), program("")];
  const end = await runJobs({ jobs, atOnce: 1 });
  expect(statuses(end)).toEqual(["done", "failed", "failed", "done"]);
  expect(end.results.map(({ runPath }) => runPath)).toEqual(["/runs/0", null, null, null]);
  expect(exitCodeOf(end)).toBe(3);
  expect(exitCodeOf({ results: end.results.filter(({ status }) => status === "done"), signal: null })).toBe(0);
});

test("a job that a signal ends has failed", async () => {
  const end = await runJobs({ jobs: [program(`process.kill(process.pid, "SIGKILL")`), program("")], atOnce: 1 });
  expect(statuses(end)).toEqual(["failed", "done"]);
  expect(exitCodeOf(end)).toBe(1);
});

test("jobs run in their order, so many at a time, with their share of the threads and prefixed output", async () => {
  const written: string[] = [];
  const write = jest.spyOn(process.stdout, "write").mockImplementation((text) => Boolean(written.push(String(text))));
  const threads = process.env["OMP_NUM_THREADS"];
  delete process.env["OMP_NUM_THREADS"];
  let [most, running] = [0, 0];
  const started: number[] = [];
  try {
    await runJobs({
      jobs: [0, 1, 2, 3].map((index) => program(`console.log(${index}, process.env.OMP_NUM_THREADS > 0)`)),
      atOnce: 2,
      onStart: (index) => {
        started.push(index);
        most = Math.max(most, ++running);
      },
      onEnd: () => running--,
    });
  } finally {
    write.mockRestore();
    if (threads !== undefined) process.env["OMP_NUM_THREADS"] = threads;
  }
  expect(started).toEqual([0, 1, 2, 3]);
  expect(most).toBe(2);
  expect(written.sort()).toEqual([0, 1, 2, 3].map((index) => `[${index + 1}/4] ${index} true\n`));
});

test("threads that the user chose stay", async () => {
  const written: string[] = [];
  const write = jest.spyOn(process.stdout, "write").mockImplementation((text) => Boolean(written.push(String(text))));
  const before = process.env["OMP_NUM_THREADS"];
  process.env["OMP_NUM_THREADS"] = "7";
  try {
    await runJobs({ jobs: [program("console.log(process.env.OMP_NUM_THREADS)")], atOnce: 2 });
  } finally {
    write.mockRestore();
    if (before === undefined) delete process.env["OMP_NUM_THREADS"];
    else process.env["OMP_NUM_THREADS"] = before;
  }
  expect(written).toEqual(["[1/1] 7\n"]);
});

test.each(["SIGINT", "SIGTERM"] as const)("%s ends all jobs, and no further one begins", async (signal) => {
  const endless = program(
    `process.on(${JSON.stringify(signal)}, () => process.exit(0)); setInterval(() => {}, 1000); ${tell("/run")}`,
  );
  const started: number[] = [];
  const end = runJobs({ jobs: [endless, endless, endless], atOnce: 2, onStart: (index) => started.push(index) });
  // a job is ready for the signal when it has told its path; until then the signal would end it as well
  process.emit(signal, signal);
  expect(statuses(await end)).toEqual(["stopped", "stopped", "not run"]);
  expect(started).toEqual([0, 1]);
  expect(exitCodeOf(await end)).toBe(signal === "SIGINT" ? 130 : 143);
});
