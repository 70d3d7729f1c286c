#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

#include <mutex>

#include "exports.h"
#include "napi/arguments.h"
#include "runtime/devices.h"
#include "runtime/random_stream.h"

namespace noether {

namespace {

at::Generator& generator_of(Addon& addon, const Arguments& arguments) {
  const int64_t id = arguments.integer(0, "generator");
  if (id < 0 || static_cast<size_t>(id) >= addon.generators.size() || !addon.generators[id].defined()) {
    fail("ERR_DISPOSED", "the generator was disposed, or belongs to another thread");
  }
  return addon.generators[id];
}

// As generator_of, but while this thread has a stream, that is its default generator.
at::Generator stream_or_generator(Addon& addon, const Arguments& arguments) {
  at::Generator& generator = generator_of(addon, arguments);
  const at::Generator stream = random_stream();
  return stream.defined() && &generator == &addon.generators.front() ? stream : generator;
}

Napi::Value manual_seed(Addon&, const Arguments& arguments) {
  const uint64_t seed = arguments.seed(0, "seed");
  at::Generator stream = random_stream();
  if (stream.defined()) {
    const std::lock_guard<std::mutex> lock(stream.mutex());
    stream.set_current_seed(seed);
  } else {
    at::manual_seed(seed);
  }
  return arguments.env().Undefined();
}

Napi::Value initial_seed(Addon&, const Arguments& arguments) {
  const at::Generator stream = random_stream();
  const at::Generator generator = stream.defined() ? stream : at::detail::getDefaultCPUGenerator();
  return Napi::BigInt::New(arguments.env(), generator.current_seed());
}

Napi::Value generator(Addon& addon, const Arguments& arguments) {
  const at::Device device(arguments.string(0, "device"));
  at::Generator created;
  if (device.is_cpu()) {
    created = at::detail::createCPUGenerator();
  } else {
    created = at::globalContext().getAcceleratorHooksInterface(device.type()).getNewGenerator(device.index());
  }
  addon.generators.push_back(std::move(created));
  return Napi::Number::New(arguments.env(), static_cast<double>(addon.generators.size() - 1));
}

Napi::Value free_generator(Addon& addon, const Arguments& arguments) {
  at::Generator& generator = generator_of(addon, arguments);
  if (&generator == &addon.generators.front()) fail("ERR_ARGUMENT", "the default generator cannot be disposed");
  generator = at::Generator();
  return arguments.env().Undefined();
}

Napi::Value generator_seed(Addon& addon, const Arguments& arguments) {
  at::Generator generator = stream_or_generator(addon, arguments);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_current_seed(arguments.seed(1, "seed"));
  return arguments.env().Undefined();
}

Napi::Value generator_initial_seed(Addon& addon, const Arguments& arguments) {
  return Napi::BigInt::New(arguments.env(), stream_or_generator(addon, arguments).current_seed());
}

Napi::Value generator_state(Addon& addon, const Arguments& arguments) {
  at::Generator generator = stream_or_generator(addon, arguments);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return Napi::Number::New(arguments.env(), addon.tensors.put(generator.get_state()));
}

Napi::Value set_generator_state(Addon& addon, const Arguments& arguments) {
  at::Generator generator = stream_or_generator(addon, arguments);
  const at::Tensor state = arguments.tensor(1, "state");
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_state(state);
  return arguments.env().Undefined();
}

// ---- default generators of devices beside the CPU

at::Generator default_generator(const Arguments& arguments) {
  return at::globalContext().defaultGenerator(accelerator(arguments, 0, "device"));
}

Napi::Value seed_device(Addon&, const Arguments& arguments) {
  at::Generator generator = default_generator(arguments);
  const uint64_t seed = arguments.seed(1, "seed");
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_current_seed(seed);
  return arguments.env().Undefined();
}

Napi::Value device_seed(Addon&, const Arguments& arguments) {
  return Napi::BigInt::New(arguments.env(), default_generator(arguments).current_seed());
}

Napi::Value device_random_state(Addon& addon, const Arguments& arguments) {
  at::Generator generator = default_generator(arguments);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return Napi::Number::New(arguments.env(), addon.tensors.put(generator.get_state()));
}

Napi::Value set_device_random_state(Addon&, const Arguments& arguments) {
  at::Generator generator = default_generator(arguments);
  const at::Tensor state = arguments.tensor(1, "state");
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_state(state);
  return arguments.env().Undefined();
}

Napi::Value enter_stream(Addon& addon, const Arguments& arguments) {
  enter_random_stream(generator_of(addon, arguments));
  return arguments.env().Undefined();
}

Napi::Value exit_stream(Addon&, const Arguments& arguments) {
  if (!random_stream().defined()) fail("ERR_ARGUMENT", "internal: there is no random stream to leave");
  exit_random_stream();
  return arguments.env().Undefined();
}

}  // namespace

void export_random(Napi::Env, Napi::Object exports) {
  define<manual_seed>(exports, "manualSeed");
  define<initial_seed>(exports, "initialSeed");
  define<generator>(exports, "generator");
  define<free_generator>(exports, "freeGenerator");
  define<generator_seed>(exports, "generatorSeed");
  define<generator_initial_seed>(exports, "generatorInitialSeed");
  define<generator_state>(exports, "generatorState");
  define<set_generator_state>(exports, "setGeneratorState");
  define<seed_device>(exports, "seedDevice");
  define<device_seed>(exports, "deviceSeed");
  define<device_random_state>(exports, "deviceRandomState");
  define<set_device_random_state>(exports, "setDeviceRandomState");
  define<enter_stream>(exports, "enterRandomStream");
  define<exit_stream>(exports, "exitRandomStream");
}

}  // namespace noether
