// The backend for the CPU. Its interface is chosen as in PyTorch: GLOO_SOCKET_IFNAME, else that of the host's name.
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "distributed/objects.h"

namespace noether {

BackendPointer make_gloo(const BackendOptions& given) {
  auto options = c10d::ProcessGroupGloo::Options::create_default(given.timeout);
  options->global_ranks_in_group = given.ranks;
  options->group_name = given.group_name;
  auto backend = c10::make_intrusive<c10d::ProcessGroupGloo>(given.store, given.rank, given.size, std::move(options));
  backend->setSequenceNumberForGroup();
  return backend;
}

}  // namespace noether
