// Backward passes beside the JavaScript thread.
//
// Nodes of a device run on a thread of the autograd engine that belongs to the device, and JavaScript runs on its own thread only.
// So a pass that may come to JavaScript from elsewhere runs on a thread of ours, as it would on the main thread of Python, and the
// JavaScript thread answers calls until the pass has ended. A pass that JavaScript starts while it answers a call runs on the thread
// that waits for the answer: the engine knows then that it is nested, and the device's thread is not missing.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "napi/callbacks.h"
#include "torch_setup.h"

namespace noether {

class BackwardThread : public std::enable_shared_from_this<BackwardThread> {
 public:
  explicit BackwardThread(std::shared_ptr<Callbacks> callbacks);

  // On the JavaScript thread: whether a pass over these outputs may come to JavaScript from another thread.
  bool is_needed(const std::vector<at::Tensor>& outputs) const;
  // For tests: every pass that may call JavaScript runs beside, also on the CPU.
  void set_always(bool always) { always_ = always; }

  // On the JavaScript thread: runs `pass` on another one and answers calls meanwhile. Throws what the pass throws.
  void run(std::function<void()> pass);

  // On a thread that works for a pass: runs `body` on the JavaScript thread, with this thread's modes and streams, and waits.
  // Throws what `body` throws, and where the pass has ended.
  void call(std::function<void()> body);

  // The one that the pass on this thread belongs to, if it runs beside a JavaScript thread.
  static std::shared_ptr<BackwardThread> of_this_thread();
  // Whether it answers with functions of this environment.
  bool serves(const Callbacks& callbacks) const { return callbacks_.lock().get() == &callbacks; }

  // When the environment or the process ends: who waits for an answer gets an error, and the thread ends.
  void close();

 private:
  struct Job;
  struct Call;

  void start();
  void drop_calls();
  void work();
  void perform(Job& job);
  void answer(const std::shared_ptr<Call>& pending);

  std::weak_ptr<Callbacks> callbacks_;
  bool always_ = false;                          // these two: only on the JavaScript thread
  std::vector<std::shared_ptr<Call>> answering_;  // innermost last

  std::mutex mutex_;  // guards what follows
  std::condition_variable javascript_, worker_, idle_;
  std::deque<std::shared_ptr<Call>> calls_;
  std::shared_ptr<Job> job_;  // for the thread
  bool started_ = false, busy_ = false, closed_ = false;
  int running_ = 0;
};

}  // namespace noether
