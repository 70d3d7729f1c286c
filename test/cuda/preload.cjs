/**
 * Given to Node with `--require`: opens CUDA's libtorch before the package's addon opens libtorch, in every process and
 * worker thread of the tests.
 */
require(process.env.NOETHER_CUDA_TEST_ADDON);
