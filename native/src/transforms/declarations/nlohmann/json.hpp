// Asked for by libtorch's ATen/functorch/Interpreter.h, and not shipped with it. What writes levels as JSON is never called here, so
// nothing of this has a body.
#pragma once

#include <string>

namespace nlohmann {

class json {
 public:
  json();
  template <typename T>
  explicit json(const T&);
  static json parse(const std::string&);
  std::string dump() const;
  template <typename T>
  T get() const;
};

}  // namespace nlohmann
