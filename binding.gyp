# The addon for plain node-gyp users: LIBTORCH=/path/to/libtorch npx node-gyp rebuild
# gives the same noether_native.node as native/CMakeLists.txt (in build/Release; point NOETHER_NATIVE there).
# NOETHER_CUDA=1 in the environment links the CUDA half of libtorch too.
{
  "variables": {
    # LIBTORCH, else what scripts/fetch-libtorch.sh finds or downloads; the version check is the same as CMake's
    "libtorch%": "<!(node scripts/gyp-libtorch.mjs path)",
    "noether_cuda%": "<!(node scripts/gyp-libtorch.mjs cuda)",
  },
  "targets": [
    {
      "target_name": "noether_native",
      "sources": ["<!@(node scripts/gyp-libtorch.mjs sources)"],
      "include_dirs": ["native/src", "native/src/transforms/declarations"],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED", "_GLIBCXX_USE_CXX11_ABI=1",
        "NOETHER_VERSION=\"<!(node -p \"require('./package.json').version\")\""],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20", "-O3"],
      "cflags_cc": [
        "-std=c++20", "-O2", "-fopenmp", "-Wall", "-Wextra", "-fexceptions", "-frtti", "-fvisibility=hidden", "-fvisibility-inlines-hidden",
        "-isystem", "<(libtorch)/include",
        "-isystem", "<(libtorch)/include/torch/csrc/api/include",
        "-isystem", "<!(node -p \"require('path').dirname(require.resolve('node-addon-api/package.json'))\")",
      ],
      "libraries": ["-L<(libtorch)/lib", "-lc10", "-ltorch_cpu"],
      "ldflags": ["-fopenmp", "-Wl,-z,nodelete", "-Wl,-z,now", "<!@(node scripts/gyp-libtorch.mjs rpath)"],
      "conditions": [
        ["noether_cuda=='1'", {
          "defines": ["NOETHER_CUDA=1"],
          # no symbol of torch_cuda is named by the addon, yet loading it is what registers the CUDA kernels
          "libraries": ["-Wl,--no-as-needed", "-lc10_cuda", "-ltorch_cuda", "-Wl,--as-needed"],
        }],
        ["OS=='mac'", {
          "xcode_settings": {
            "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
            "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
            "GCC_ENABLE_CPP_RTTI": "YES",
            "OTHER_CFLAGS": ["-isystem", "<(libtorch)/include", "-isystem", "<(libtorch)/include/torch/csrc/api/include"],
          },
        }],
      ],
    },
  ],
}
