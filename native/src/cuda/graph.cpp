// CUDA graphs: work on a stream recorded once and launched again as one, behind operators that take a graph's number.
//
//   noether::cuda_graph_pool() -> int            a pool of memory that several graphs may share
//   noether::cuda_graph_create(int pool) -> int  pool 0: one of its own
//   noether::cuda_graph_enter / _leave           run on the graph's stream without recording, for warm-up
//   noether::cuda_graph_begin / _end / _abort    record
//   noether::cuda_graph_replay, _destroy
//
// A recording that fails leaves libtorch's allocator and generators in the middle of it: `abort` puts both back, so that
// the process can go on without a graph.
#include <ATen/Functions.h>
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <ATen/cuda/CUDAGraph.h>
#include <ATen/cuda/CachingHostAllocator.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAStream.h>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "cuda/registration.h"

namespace noether::cuda {
namespace {

using at::cuda::CUDAGraph;
using at::cuda::CUDAStream;
using at::cuda::MempoolId_t;

// Allocators of pinned memory have pools of their own since libtorch 2.12.
template <typename Allocator>
void end_host_pool(Allocator* allocator, MempoolId_t pool) {
  if constexpr (requires { allocator->end_allocate_to_pool(pool); }) {
    allocator->end_allocate_to_pool(pool);
    allocator->release_pool(pool);
  }
}

// One stream a device and thread for all recordings: the workspaces of libraries belong to streams, and so are there after warm-up.
CUDAStream recording_stream(c10::DeviceIndex device) {
  static thread_local std::unordered_map<int, CUDAStream> streams;
  const auto found = streams.find(device);
  if (found != streams.end()) return found->second;
  return streams.emplace(device, at::cuda::getStreamFromPool(/*isHighPriority=*/false, device)).first->second;
}

void wait(const CUDAStream& waiting, const CUDAStream& awaited) {
  at::cuda::CUDAEvent event;
  event.record(awaited);
  event.block(waiting);
}

class Graph {
 public:
  explicit Graph(MempoolId_t pool)
      : device_(c10::cuda::current_device()), pool_(pool), stream_(recording_stream(device_)) {}

  void register_generator(const at::Generator& generator) {
    graph_->register_generator_state(generator);
    generators_.push_back(generator);
  }

  void enter() {
    TORCH_CHECK(!before_, "the stream of this CUDA graph is in use already");
    before_ = at::cuda::getCurrentCUDAStream(device_);
    wait(stream_, *before_);
    at::cuda::setCurrentCUDAStream(stream_);
  }

  void leave() {
    TORCH_CHECK(before_, "the stream of this CUDA graph is not in use");
    const CUDAStream before = *before_;
    before_.reset();
    at::cuda::setCurrentCUDAStream(before);
    wait(before, stream_);
  }

  void begin(cudaStreamCaptureMode mode) {
    TORCH_CHECK(!recorded_, "this CUDA graph is recorded already: make another one");
    C10_CUDA_CHECK(cudaDeviceSynchronize());
    c10::cuda::CUDACachingAllocator::emptyCache();
    enter();
    try {
      graph_->capture_begin(pool_, mode);
    } catch (...) {
      repair();
      throw;
    }
  }

  void end() {
    try {
      graph_->capture_end();
    } catch (...) {
      repair();
      throw;
    }
    recorded_ = true;
    leave();
  }

  void abort() {
    if (!before_) return;
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    if (cudaStreamIsCapturing(stream_, &status) != cudaSuccess) (void)cudaGetLastError();
    if (status == cudaStreamCaptureStatusActive) {
      try {
        graph_->capture_end();
        graph_->reset();
        leave();
        return;
      } catch (const c10::Error&) {
        // as after one that CUDA has ended itself
      }
    }
    repair();
  }

  void replay() {
    TORCH_CHECK(recorded_, "this CUDA graph has not been recorded");
    graph_->replay();
  }

 private:
  // After a recording that CUDA refused.
  void repair() {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    (void)cudaStreamIsCapturing(stream_, &status);
    if (status != cudaStreamCaptureStatusNone) {
      cudaGraph_t nothing = nullptr;
      (void)cudaStreamEndCapture(stream_, &nothing);
      if (nothing != nullptr) (void)cudaGraphDestroy(nothing);
    }
    (void)cudaGetLastError();
    c10::cuda::CUDACachingAllocator::endAllocateToPool(device_, pool_);
    c10::cuda::CUDACachingAllocator::releasePool(device_, pool_);
    end_host_pool(at::getHostAllocator(at::kCUDA), pool_);
    graph_ = std::make_unique<CUDAGraph>();
    leave();
    reset_generators();
  }

  // Generators leave the state of recording at the end of a recording only: an empty one does that.
  void reset_generators() {
    enter();
    try {
      CUDAGraph empty;
      for (const at::Generator& generator : generators_) empty.register_generator_state(generator);
      at::Tensor something = at::empty({1}, at::TensorOptions().device(at::kCUDA, device_));
      empty.capture_begin();
      something.zero_();
      empty.capture_end();
    } catch (const c10::Error& error) {
      TORCH_WARN("the random generator could not be put back after a recording that failed: ", error.what_without_backtrace());
    }
    leave();
  }

  c10::DeviceIndex device_;
  MempoolId_t pool_;
  CUDAStream stream_;
  std::unique_ptr<CUDAGraph> graph_ = std::make_unique<CUDAGraph>();
  std::vector<at::Generator> generators_;
  std::optional<CUDAStream> before_;
  bool recorded_ = false;
};

// Graphs by number; never destroyed, because CUDA may be gone at the end of the process.
struct Table {
  std::mutex mutex;
  int64_t next = 1;
  std::unordered_map<int64_t, std::shared_ptr<Graph>> graphs;
};

Table& table() {
  static auto* const instance = new Table();
  return *instance;
}

std::shared_ptr<Graph> graph_of(int64_t number) {
  Table& all = table();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.graphs.find(number);
  TORCH_CHECK(found != all.graphs.end(), "the CUDA graph was reset");
  return found->second;
}

int64_t pool() { return static_cast<int64_t>(at::cuda::graph_pool_handle().second); }

int64_t create(int64_t pool_number) {
  const MempoolId_t pool =
      pool_number == 0 ? at::cuda::graph_pool_handle() : MempoolId_t(0, static_cast<uint64_t>(pool_number));
  auto graph = std::make_shared<Graph>(pool);
  Table& all = table();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.graphs.emplace(all.next, std::move(graph));
  return all.next++;
}

cudaStreamCaptureMode mode_of(c10::string_view name) {
  if (name == "global") return cudaStreamCaptureModeGlobal;
  if (name == "thread_local") return cudaStreamCaptureModeThreadLocal;
  if (name == "relaxed") return cudaStreamCaptureModeRelaxed;
  TORCH_CHECK(false, "expected the mode global, thread_local or relaxed, got ", name);
}

void register_generator(int64_t number, at::Generator generator) { graph_of(number)->register_generator(generator); }
void enter(int64_t number) { graph_of(number)->enter(); }
void leave(int64_t number) { graph_of(number)->leave(); }
void begin(int64_t number, c10::string_view mode) { graph_of(number)->begin(mode_of(mode)); }
void end(int64_t number) { graph_of(number)->end(); }
void abort_recording(int64_t number) { graph_of(number)->abort(); }
void replay(int64_t number) { graph_of(number)->replay(); }

void destroy(int64_t number) {
  std::shared_ptr<Graph> graph;
  Table& all = table();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.graphs.find(number);
  if (found == all.graphs.end()) return;
  graph = std::move(found->second);
  all.graphs.erase(found);
}

}  // namespace

NOETHER_CUDA_LIBRARY(library) {
  library.def("cuda_graph_pool() -> int", &pool);
  library.def("cuda_graph_create(int pool=0) -> int", &create);
  library.def("cuda_graph_register_generator(int graph, Generator? generator) -> ()", &register_generator);
  library.def("cuda_graph_enter(int graph) -> ()", &enter);
  library.def("cuda_graph_leave(int graph) -> ()", &leave);
  library.def("cuda_graph_begin(int graph, str mode=\"global\") -> ()", &begin);
  library.def("cuda_graph_end(int graph) -> ()", &end);
  library.def("cuda_graph_abort(int graph) -> ()", &abort_recording);
  library.def("cuda_graph_replay(int graph) -> ()", &replay);
  library.def("cuda_graph_destroy(int graph) -> ()", &destroy);
}

}  // namespace noether::cuda
