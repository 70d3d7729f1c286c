// The libtorch headers that nearly every file needs, and the range of versions that this source compiles against.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/version.h>

static_assert(
    TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 11 && TORCH_VERSION_MINOR <= 14,
    "noether-ts needs libtorch 2.11 to 2.14: run scripts/fetch-libtorch.sh, or point LIBTORCH to such a build");
