// libtorch's switches for the whole process: which kernels of CUDA's libraries it may take, how exact, how repeatable.
#include <ATen/Context.h>

#include <map>

#include "exports.h"
#include "napi/arguments.h"

namespace noether {

namespace {

struct Switch {
  bool (*get)(at::Context&);
  void (*set)(at::Context&, bool);
};

const std::map<std::string, Switch>& switches() {
  using C = at::Context;
  static const std::map<std::string, Switch> all = {
      {"matmul.allowTf32", {[](C& c) { return c.allowTF32CuBLAS(); }, [](C& c, bool on) { c.setAllowTF32CuBLAS(on); }}},
      {"cudnn.allowTf32", {[](C& c) { return c.allowTF32CuDNN(); }, [](C& c, bool on) { c.setAllowTF32CuDNN(on); }}},
      {"cudnn.enabled", {[](C& c) { return c.userEnabledCuDNN(); }, [](C& c, bool on) { c.setUserEnabledCuDNN(on); }}},
      {"cudnn.benchmark", {[](C& c) { return c.benchmarkCuDNN(); }, [](C& c, bool on) { c.setBenchmarkCuDNN(on); }}},
      {"cudnn.deterministic",
       {[](C& c) { return c.deterministicCuDNN(); }, [](C& c, bool on) { c.setDeterministicCuDNN(on); }}},
      {"sdp.flash", {[](C& c) { return c.userEnabledFlashSDP(); }, [](C& c, bool on) { c.setSDPUseFlash(on); }}},
      {"sdp.memEfficient",
       {[](C& c) { return c.userEnabledMemEfficientSDP(); }, [](C& c, bool on) { c.setSDPUseMemEfficient(on); }}},
      {"sdp.math", {[](C& c) { return c.userEnabledMathSDP(); }, [](C& c, bool on) { c.setSDPUseMath(on); }}},
      {"sdp.cudnn", {[](C& c) { return c.userEnabledCuDNNSDP(); }, [](C& c, bool on) { c.setSDPUseCuDNN(on); }}},
  };
  return all;
}

const Switch& switch_argument(const Arguments& arguments) {
  const auto found = switches().find(arguments.string(0, "switch"));
  if (found == switches().end()) fail("ERR_ARGUMENT", "internal: no switch " + arguments.string(0, "switch"));
  return found->second;
}

Napi::Value get_switch(Addon&, const Arguments& arguments) {
  return Napi::Boolean::New(arguments.env(), switch_argument(arguments).get(at::globalContext()));
}

Napi::Value set_switch(Addon&, const Arguments& arguments) {
  const bool on = arguments.boolean(1, "on");
  switch_argument(arguments).set(at::globalContext(), on);
  return arguments.env().Undefined();
}

Napi::Value deterministic_algorithms(Addon&, const Arguments& arguments) {
  const at::Context& context = at::globalContext();
  const char* mode = context.deterministicAlgorithmsWarnOnly() ? "warn" : "error";
  return Napi::String::New(arguments.env(), context.deterministicAlgorithms() ? mode : "off");
}

Napi::Value set_deterministic_algorithms(Addon&, const Arguments& arguments) {
  const std::string mode = arguments.string(0, "mode");
  if (mode != "off" && mode != "warn" && mode != "error") fail("ERR_ARGUMENT", "expected off, warn or error, got " + mode);
  at::globalContext().setDeterministicAlgorithms(mode != "off", mode == "warn");
  return arguments.env().Undefined();
}

Napi::Value matmul_precision(Addon&, const Arguments& arguments) {
  switch (at::globalContext().float32MatmulPrecision()) {
    case at::Float32MatmulPrecision::HIGHEST:
      return Napi::String::New(arguments.env(), "highest");
    case at::Float32MatmulPrecision::HIGH:
      return Napi::String::New(arguments.env(), "high");
    default:
      return Napi::String::New(arguments.env(), "medium");
  }
}

Napi::Value set_matmul_precision(Addon&, const Arguments& arguments) {
  at::globalContext().setFloat32MatmulPrecision(arguments.string(0, "precision"));
  return arguments.env().Undefined();
}

}  // namespace

void export_switches(Napi::Env, Napi::Object exports) {
  define<get_switch>(exports, "getSwitch");
  define<set_switch>(exports, "setSwitch");
  define<deterministic_algorithms>(exports, "deterministicAlgorithms");
  define<set_deterministic_algorithms>(exports, "setDeterministicAlgorithms");
  define<matmul_precision>(exports, "matmulPrecision");
  define<set_matmul_precision>(exports, "setMatmulPrecision");
}

}  // namespace noether
