import { distributed } from "../../../lib/torch";

const { expandHosts, processEnvironment } = distributed;

test("a process that was started alone has no environment", () => {
  expect(processEnvironment({})).toBeNull();
  expect(processEnvironment({ RANK: "0" })).toBeNull();
});

test("torchrun's variables", () => {
  const env = {
    RANK: "5",
    WORLD_SIZE: "8",
    LOCAL_RANK: "1",
    LOCAL_WORLD_SIZE: "4",
    MASTER_ADDR: "a",
    MASTER_PORT: "29500",
  };
  expect(processEnvironment(env)).toEqual({
    rank: 5,
    worldSize: 8,
    localRank: 1,
    localWorldSize: 4,
    numNodes: 2,
    masterAddr: "a",
    masterPort: 29500,
    launcher: "torchrun",
  });
});

test("Slurm's variables: the port follows from the job, the address is the first host", () => {
  const env = {
    SLURM_PROCID: "3",
    SLURM_LOCALID: "1",
    SLURM_JOB_NUM_NODES: "2",
    SLURM_NTASKS_PER_NODE: "2",
    SLURM_JOB_NODELIST: "node[01-02,07],other",
    SLURM_JOB_ID: "1234",
  };
  expect(processEnvironment(env)).toEqual({
    rank: 3,
    worldSize: 4,
    localRank: 1,
    localWorldSize: 2,
    numNodes: 2,
    masterAddr: "node01",
    masterPort: 16234,
    launcher: "slurm",
  });
});

test("what MASTER_ADDR and MASTER_PORT say stays under Slurm, empty ones say nothing", () => {
  const slurm = { SLURM_PROCID: "0", SLURM_JOB_NODELIST: "a", SLURM_JOB_ID: "99999" };
  expect(processEnvironment({ ...slurm, MASTER_ADDR: "b", MASTER_PORT: "7" })).toMatchObject({
    masterAddr: "b",
    masterPort: 7,
  });
  expect(processEnvironment({ ...slurm, MASTER_ADDR: "", MASTER_PORT: "" })).toMatchObject({
    masterAddr: "a",
    masterPort: 24999,
  });
});

test("the step that srun started counts, not the job", () => {
  const env = { SLURM_PROCID: "0", SLURM_STEP_NUM_TASKS: "2", SLURM_JOB_NUM_NODES: "4", SLURM_NTASKS_PER_NODE: "4" };
  expect(processEnvironment(env)?.worldSize).toBe(2);
});

test("a rank beyond the number of processes is refused", () => {
  expect(() => processEnvironment({ RANK: "2", WORLD_SIZE: "2" })).toThrow("expected a rank from 0 to 1");
});

test.each([
  ["node1", ["node1"]],
  ["node[1-3]", ["node1", "node2", "node3"]],
  ["node[08-10]-gpu", ["node08-gpu", "node09-gpu", "node10-gpu"]],
  ["a[1,3],b,c[01-02]", ["a1", "a3", "b", "c01", "c02"]],
  ["r[1-2]n[1-2]", ["r1n1", "r1n2", "r2n1", "r2n2"]],
  ["", []],
])("Slurm's list %s", (list, hosts) => {
  expect(expandHosts(list)).toEqual(hosts);
});
