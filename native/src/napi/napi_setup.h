// The only place that includes Node-API, so that its configuration is the same everywhere: version 8 runs on every Node
// that we support, and C++ exceptions carry JavaScript errors through our own frames.
#pragma once

#ifndef NAPI_VERSION
#define NAPI_VERSION 8
#endif
#ifndef NAPI_CPP_EXCEPTIONS
#define NAPI_CPP_EXCEPTIONS
#endif
#ifndef NODE_ADDON_API_DISABLE_DEPRECATED
#define NODE_ADDON_API_DISABLE_DEPRECATED
#endif

// While a worker is being terminated no JavaScript can run and no error can be thrown; without this, trying to ends the
// process.
#ifndef NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#endif

#include <napi.h>
