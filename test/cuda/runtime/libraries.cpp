// The calls of cuBLAS whose answers libtorch reads. All others of the libraries (cuBLAS, cuDNN, cuSOLVER, cuSPARSE,
// cuFFT, cuRAND) are generated: they succeed, hand out blank objects, and count what computes.
#include <cublasLt.h>
#include <cublas_v2.h>

#include <cstdlib>

#include "runtime.h"

FAKE_API size_t cublasLtGetVersion() { return 130100; }

// One algorithm, that of the blank object: libtorch gives up without one.
FAKE_API cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t,
                                                       cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                                       cublasLtMatrixLayout_t, cublasLtMatmulPreference_t, int,
                                                       cublasLtMatmulHeuristicResult_t* results, int* count) {
  *results = {};
  *count = 1;
  return CUBLAS_STATUS_SUCCESS;
}

FAKE_API cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t, const void*, const void*,
                                       cublasLtMatrixLayout_t, const void*, cublasLtMatrixLayout_t, const void*,
                                       const void*, cublasLtMatrixLayout_t, void*, cublasLtMatrixLayout_t,
                                       const cublasLtMatmulAlgo_t*, void*, size_t, cudaStream_t stream) {
  fake::enqueue(stream, "launch cublasLtMatmul");
  return CUBLAS_STATUS_SUCCESS;
}

namespace {
thread_local cudaStream_t blas_stream = nullptr;
}

FAKE_API cublasStatus_t cublasSetStream_v2(cublasHandle_t, cudaStream_t stream) {
  blas_stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

// What the generated functions call.
FAKE_API void fake_library_launch(const char* what) { fake::enqueue(blas_stream, what); }
FAKE_API void* fake_library_object() {
  static void* const blank = calloc(1, size_t{1} << 16);
  return blank;
}
