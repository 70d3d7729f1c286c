// Streams do their work at once, so that waiting never waits; what would have waited is counted as a synchronisation.
// A capture records names of work into a graph; each launch of the graph counts them. What the work computes is
// recorded and repeated by the operators (addon/values.cpp), which hear of the launch through fake_cuda_on_launch.
#include <atomic>
#include <map>
#include <mutex>
#include <vector>

#include "runtime.h"

namespace fake {

struct Graph {
  unsigned long long id;
  std::vector<std::string> work;
};

}  // namespace fake

namespace {

using fake::Graph;

// What a stream handle points to. The default stream is the null handle.
struct Stream {
  Graph* graph = nullptr;
  bool invalid = false;
};
struct Event {
  Graph* graph = nullptr;  // the capture in which it was recorded
};

std::atomic<int> captures = 0;
std::atomic<unsigned long long> last_id = 0;
std::atomic<unsigned long long> current_capture = 0;
thread_local cudaStreamCaptureMode capture_mode = cudaStreamCaptureModeGlobal;
std::atomic<void (*)(unsigned long long)> on_launch = nullptr;

Stream* stream_of(cudaStream_t stream) { return reinterpret_cast<Stream*>(stream); }

// Handles 1 and 2 are the legacy and the per-thread default stream.
bool is_default(cudaStream_t stream) { return reinterpret_cast<size_t>(stream) <= 2; }

cudaError_t create(cudaStream_t* stream) {
  *stream = reinterpret_cast<cudaStream_t>(new Stream);
  return cudaSuccess;
}

cudaError_t wait(const char* function) {
  fake::count(std::string("synchronize ") + function);
  return fake::breaks_capture() ? fake::fail(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}

// Joins a stream to the capture that it waits for.
void join(cudaStream_t stream, Graph* graph) {
  if (graph && !is_default(stream) && !stream_of(stream)->graph) stream_of(stream)->graph = graph;
}

}  // namespace

namespace fake {

Graph* capturing(cudaStream_t stream) { return is_default(stream) ? nullptr : stream_of(stream)->graph; }

void enqueue(cudaStream_t stream, const std::string& what) {
  if (Graph* graph = capturing(stream)) graph->work.push_back(what);
  else count(what);
}

bool breaks_capture() { return captures > 0 && capture_mode != cudaStreamCaptureModeRelaxed; }

}  // namespace fake

// The number of the capture that is going on, 0 without one.
FAKE_API unsigned long long fake_cuda_capture() { return captures > 0 ? current_capture.load() : 0; }
// `hear` is called with the number of the capture whose graph is launched.
FAKE_API void fake_cuda_on_launch(void (*hear)(unsigned long long)) { on_launch = hear; }

FAKE_API cudaError_t cudaStreamCreate(cudaStream_t* stream) { return create(stream); }
FAKE_API cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) { return create(stream); }
FAKE_API cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int) { return create(stream); }

FAKE_API cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream_of(stream);
  return cudaSuccess;
}

FAKE_API cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = -5;
  return cudaSuccess;
}

FAKE_API cudaError_t cudaDeviceSynchronize() { return wait("cudaDeviceSynchronize"); }
FAKE_API cudaError_t cudaStreamSynchronize(cudaStream_t) { return wait("cudaStreamSynchronize"); }
FAKE_API cudaError_t cudaStreamQuery(cudaStream_t) { return cudaSuccess; }

FAKE_API cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  join(stream, reinterpret_cast<Event*>(event)->graph);
  return cudaSuccess;
}

FAKE_API cudaError_t cudaStreamAddCallback(cudaStream_t stream, cudaStreamCallback_t callback, void* data, unsigned) {
  callback(stream, cudaSuccess, data);
  return cudaSuccess;
}

// ---- events

FAKE_API cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = reinterpret_cast<cudaEvent_t>(new Event);
  return cudaSuccess;
}
FAKE_API cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) { return cudaEventCreate(event); }

FAKE_API cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete reinterpret_cast<Event*>(event);
  return cudaSuccess;
}

FAKE_API cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  reinterpret_cast<Event*>(event)->graph = fake::capturing(stream);
  return cudaSuccess;
}
FAKE_API cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned) {
  return cudaEventRecord(event, stream);
}

FAKE_API cudaError_t cudaEventQuery(cudaEvent_t) { return cudaSuccess; }
FAKE_API cudaError_t cudaEventSynchronize(cudaEvent_t) { return wait("cudaEventSynchronize"); }

FAKE_API cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t) {
  *milliseconds = 0.01f;
  return cudaSuccess;
}

// ---- capture and graphs

FAKE_API cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  std::swap(*mode, capture_mode);
  return cudaSuccess;
}

FAKE_API cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (is_default(stream) || stream_of(stream)->graph) return fake::fail(cudaErrorStreamCaptureUnsupported);
  auto* graph = new Graph{++last_id, {}};
  stream_of(stream)->graph = graph;
  current_capture = graph->id;
  ++captures;
  return cudaSuccess;
}

FAKE_API cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  Graph* recorded = fake::capturing(stream);
  if (!recorded) return fake::fail(cudaErrorInvalidValue);
  stream_of(stream)->graph = nullptr;
  --captures;
  *graph = reinterpret_cast<cudaGraph_t>(recorded);
  return cudaSuccess;
}

FAKE_API cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  *status = fake::capturing(stream) ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}

FAKE_API cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* status,
                                              unsigned long long* id, cudaGraph_t* graph, const cudaGraphNode_t**,
                                              const cudaGraphEdgeData**, size_t* dependencies) {
  Graph* recorded = fake::capturing(stream);
  *status = recorded ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  if (id) *id = recorded ? recorded->id : 0;
  if (graph) *graph = reinterpret_cast<cudaGraph_t>(recorded);
  if (dependencies) *dependencies = 0;
  return cudaSuccess;
}

FAKE_API cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t*, size_t* count) {
  *count = reinterpret_cast<Graph*>(graph)->work.size();
  return cudaSuccess;
}

// The executable graph is a copy: the graph may be destroyed before it.
FAKE_API cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = reinterpret_cast<cudaGraphExec_t>(new Graph(*reinterpret_cast<Graph*>(graph)));
  return cudaSuccess;
}

FAKE_API cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t) {
  const Graph& graph = *reinterpret_cast<Graph*>(executable);
  fake::count("launch cudaGraphLaunch");
  for (const std::string& what : graph.work) fake::count("graph " + what);
  if (auto hear = on_launch.load()) hear(graph.id);
  return cudaSuccess;
}

FAKE_API cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete reinterpret_cast<Graph*>(graph);
  return cudaSuccess;
}
FAKE_API cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete reinterpret_cast<Graph*>(executable);
  return cudaSuccess;
}
