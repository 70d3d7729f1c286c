// Operations wait for the other processes on threads of their own, and start in the order of their calls all the same: each has its turn.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <string>

namespace noether {

class Turn {
 public:
  explicit Turn(std::shared_future<void> before) : before_(std::move(before)) {}
  ~Turn() { end(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  // Until the operation before has started, or failed.
  void wait() const {
    if (before_.valid()) before_.wait();
  }
  void end() {
    if (!ended_) done_.set_value();
    ended_ = true;
  }
  std::shared_future<void> done() { return done_.get_future().share(); }

 private:
  std::shared_future<void> before_;
  std::promise<void> done_;
  bool ended_ = false;
};

// Of one group, used on the JavaScript thread. What has another key has an order of its own: messages between two processes.
class Order {
 public:
  std::shared_ptr<Turn> next(const std::string& key) {
    if (last_.size() > 64) forget_ended();
    auto turn = std::make_shared<Turn>(last_[key]);
    last_[key] = turn->done();
    return turn;
  }

  // Until all operations with this key that were called have started.
  void wait(const std::string& key) const {
    const auto found = last_.find(key);
    if (found != last_.end()) found->second.wait();
  }

 private:
  void forget_ended() {
    for (auto each = last_.begin(); each != last_.end();) {
      const bool ended = each->second.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
      each = ended ? last_.erase(each) : std::next(each);
    }
  }

  std::map<std::string, std::shared_future<void>> last_;
};

}  // namespace noether
