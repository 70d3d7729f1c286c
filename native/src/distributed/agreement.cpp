#include "distributed/agreement.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "napi/errors.h"

namespace noether {

namespace {

// A call as all processes send it: a number that follows from the whole text, and as much of the text as fits, for the error.
constexpr int64_t MESSAGE_BYTES = 256;

uint64_t fnv1a(const std::string& text) {
  uint64_t hash = 14695981039346656037ull;
  for (const char each : text) hash = (hash ^ static_cast<unsigned char>(each)) * 1099511628211ull;
  return hash;
}

at::Tensor message_of(const std::string& text) {
  at::Tensor message = at::zeros({MESSAGE_BYTES}, at::kByte);
  auto* bytes = message.data_ptr<uint8_t>();
  const uint64_t hash = fnv1a(text);
  std::memcpy(bytes, &hash, sizeof hash);
  std::memcpy(bytes + sizeof hash, text.data(), std::min<size_t>(text.size(), MESSAGE_BYTES - sizeof hash - 1));
  return message;
}

std::string text_in(const uint8_t* message) {
  return std::string(reinterpret_cast<const char*>(message + sizeof(uint64_t)));
}

bool same(const uint8_t* message, const uint8_t* other) { return std::memcmp(message, other, MESSAGE_BYTES) == 0; }

std::string key_of(int rank) { return "agrees/" + std::to_string(rank); }

// A message and the answer to it have tags of their own.
int tag_of_message(int tag) { return static_cast<int>(static_cast<unsigned>(tag) % (1u << 30)) * 2; }

}  // namespace

Agreement::Agreement(c10::intrusive_ptr<c10d::Backend> backend, std::vector<int64_t> ranks)
    : backend_(std::move(backend)), ranks_(std::move(ranks)) {}

// The tensors of all processes, one after the other.
at::Tensor Agreement::gathered(const at::Tensor& own, std::chrono::milliseconds timeout) const {
  std::vector<std::vector<at::Tensor>> outputs(1);
  at::Tensor all = at::empty({static_cast<int64_t>(ranks_.size()), own.numel()}, own.options());
  for (size_t i = 0; i < ranks_.size(); ++i) outputs[0].push_back(all[static_cast<int64_t>(i)]);
  std::vector<at::Tensor> inputs{own};
  c10d::AllgatherOptions options;
  options.timeout = timeout;
  backend_->allgather(outputs, inputs, options)->wait();
  return all;
}

void Agreement::check(const std::string& call, std::chrono::milliseconds timeout) const {
  const at::NoGradGuard no_grad;
  const at::Tensor all = gathered(message_of(call), timeout);
  const auto* messages = all.data_ptr<uint8_t>();
  // The first that says something else than the first process; by name where the beginnings of the texts are alike.
  for (size_t i = 1; i < ranks_.size(); ++i) {
    const uint8_t* other = messages + static_cast<int64_t>(i) * MESSAGE_BYTES;
    if (same(messages, other)) continue;
    fail("ERR_DISTRIBUTED", "the processes do not call the same: rank " + std::to_string(ranks_[0]) + " calls " +
                                text_in(messages) + ", rank " + std::to_string(ranks_[i]) + " calls " + text_in(other));
  }
}

void Agreement::check_rows(
    const std::vector<int64_t>& sent, const std::vector<int64_t>& expected, std::chrono::milliseconds timeout) const {
  const at::NoGradGuard no_grad;
  const auto size = static_cast<int64_t>(ranks_.size());
  at::Tensor own = at::empty({2 * size}, at::kLong);
  std::copy(sent.begin(), sent.end(), own.data_ptr<int64_t>());
  std::copy(expected.begin(), expected.end(), own.data_ptr<int64_t>() + size);
  const at::Tensor all = gathered(own, timeout);
  const auto* rows = all.data_ptr<int64_t>();
  for (int64_t from = 0; from < size; ++from) {
    for (int64_t to = 0; to < size; ++to) {
      const int64_t given = rows[from * 2 * size + to];
      const int64_t awaited = rows[to * 2 * size + size + from];
      if (given == awaited) continue;
      fail("ERR_DISTRIBUTED", "the processes do not call the same: rank " + std::to_string(ranks_[from]) + " sends " +
                                  std::to_string(given) + " rows to rank " + std::to_string(ranks_[to]) +
                                  ", which expects " + std::to_string(awaited));
    }
  }
}

void Agreement::check_send(const std::string& tensor, int destination, int tag) const {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> own{message_of(tensor)};
  std::vector<at::Tensor> answer{at::zeros({MESSAGE_BYTES}, at::kByte)};
  const auto sent = backend_->send(own, destination, tag_of_message(tag));
  const auto received = backend_->recv(answer, destination, tag_of_message(tag) + 1);
  sent->wait();
  received->wait();
  if (same(own[0].data_ptr<uint8_t>(), answer[0].data_ptr<uint8_t>())) return;
  fail("ERR_DISTRIBUTED", "the processes do not call the same: " + tensor + " goes to rank " +
                              std::to_string(ranks_[destination]) + ", which receives " +
                              text_in(answer[0].data_ptr<uint8_t>()));
}

int Agreement::check_recv(const std::string& tensor, int source, int tag) const {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> own{message_of(tensor)};
  std::vector<at::Tensor> message{at::zeros({MESSAGE_BYTES}, at::kByte)};
  const auto received = source < 0 ? backend_->recvAnysource(message, tag_of_message(tag))
                                   : backend_->recv(message, source, tag_of_message(tag));
  received->wait();
  const int sender = source < 0 ? received->sourceRank() : source;
  backend_->send(own, sender, tag_of_message(tag) + 1)->wait();
  if (same(own[0].data_ptr<uint8_t>(), message[0].data_ptr<uint8_t>())) return sender;
  fail("ERR_DISTRIBUTED", "the processes do not call the same: " + text_in(message[0].data_ptr<uint8_t>()) +
                              " comes from rank " + std::to_string(ranks_[sender]) + ", this one receives " + tensor);
}

void announce_agreement(c10d::Store& store, int rank) {
  const char* wanted = std::getenv("NOETHER_DISTRIBUTED_CHECKS");
  if (wanted != nullptr && std::strcmp(wanted, "0") == 0) return;
  store.set(key_of(rank), std::vector<uint8_t>{1});
}

bool all_agree(c10d::Store& store, int size) {
  std::vector<std::string> keys;
  for (int rank = 0; rank < size; ++rank) keys.push_back(key_of(rank));
  return store.check(keys);
}

}  // namespace noether
