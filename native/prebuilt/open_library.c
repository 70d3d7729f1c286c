// open_library.node: opens shared libraries by their path, for a prebuilt addon. The addon names libtorch's libraries without a
// path, and the dynamic linker takes a library of that name that is open already. Node's process.dlopen cannot do this: it closes a
// library again that is no addon.
#include <dlfcn.h>
#include <node_api.h>
#include <stdlib.h>

// open(path): undefined when the library is open, for the life of the process; else why it is not.
static napi_value open_library(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = NULL, answer = NULL;
  size_t length = 0;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count < 1 ||
      napi_get_value_string_utf8(env, argument, NULL, 0, &length) != napi_ok) {
    napi_throw_type_error(env, "ERR_TYPE", "expected the path of a library as string");
    return NULL;
  }
  char* path = malloc(length + 1);
  if (path == NULL) {
    napi_throw_error(env, "ERR_OUT_OF_MEMORY", "no memory for the path of a library");
    return NULL;
  }
  napi_get_value_string_utf8(env, argument, path, length + 1, &length);
  // now: a missing symbol is an error here, not the end of the process later. nodelete: libtorch must outlive every thread that uses it.
  if (dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) == NULL) {
    const char* reason = dlerror();
    napi_create_string_utf8(env, reason != NULL ? reason : "the dynamic linker gave no reason", NAPI_AUTO_LENGTH, &answer);
  }
  free(path);
  return answer;
}

NAPI_MODULE_INIT() {
  napi_value function = NULL;
  if (napi_create_function(env, "open", NAPI_AUTO_LENGTH, open_library, NULL, &function) != napi_ok) return NULL;
  napi_set_named_property(env, exports, "open", function);
  return exports;
}
