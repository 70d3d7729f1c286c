// The backend for NVIDIA's GPUs, where libtorch has it and CMake found nccl.h (NOETHER_NCCL).
#ifdef NOETHER_NCCL
#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include "distributed/objects.h"

namespace noether {

#ifdef NOETHER_NCCL

bool has_nccl() { return true; }

BackendPointer make_nccl(const BackendOptions& given) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = given.timeout;
  options->global_ranks_in_group = given.ranks;
  options->group_name = given.group_name;
  auto backend = c10::make_intrusive<c10d::ProcessGroupNCCL>(given.store, given.rank, given.size, std::move(options));
  backend->setSequenceNumberForGroup();
  return backend;
}

#else

bool has_nccl() { return false; }

BackendPointer make_nccl(const BackendOptions&) {
  fail("ERR_DISTRIBUTED",
       "this build has no NCCL: build it against a CUDA libtorch, on a machine that has nccl.h (the package nvidia-nccl has it)");
}

#endif

}  // namespace noether
