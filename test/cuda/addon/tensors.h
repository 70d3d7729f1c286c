// Tensors of the fake device as tensors of the CPU.
#pragma once
#include <ATen/ATen.h>
#include <ATen/core/stack.h>

namespace fake {

bool any_on_device(const torch::jit::Stack& values);

// The index of the device that the arguments are on.
c10::DeviceIndex device_of(const torch::jit::Stack& values);

// An argument for the CPU's kernel: copies of tensors, "cpu" for a device, no generator.
c10::IValue on_cpu(const c10::IValue& value);

// The value over the device's memory, as the host sees it: what is written there is written on the device.
c10::IValue seen_by_host(const c10::IValue& value);

// A copy of tensors on the CPU; tensors on the device stay.
c10::IValue by_value(const c10::IValue& value);

// Copies of tensors, wherever they are.
c10::IValue copied(const c10::IValue& value);

// Copies a value into the memory of a tensor (or of each in a list); false where they have different sizes.
bool write(const c10::IValue& to, const c10::IValue& value);

}  // namespace fake
