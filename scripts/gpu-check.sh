#!/usr/bin/env bash
# One command for a bare machine with a GPU: builds the addon against the libtorch of its Python, runs the tests of CUDA for real, and
# measures the kernels and the four models beside what they replace and PyTorch, eager and compiled.
#
#   [PYTHON=python3] [LIBTORCH=<torch folder>] [BUNDLE=gpu-check] scripts/gpu-check.sh [cuda|cpu] [--no-benchmark | benchmark options...]
#
# Needs g++, cmake, ninja or make, and a Python with torch 2.11 to 2.14; no network, and no Node: `node scripts/gpu/bundle.mjs` puts one
# into gpu-check/, which is carried along with native/, benchmarks/, test/golden/ and node_modules/node-{addon-api,api-headers}
# (`--archive`: all of it in gpu-check.tar.xz). With "cpu" the same runs without a GPU; NOETHER_NATIVE names an addon that is built
# already. What fails is named at the end, and does not keep the rest from running; then the exit code is not 0.
# On a GPU it ends within BUDGET seconds (470). Each step has a limit, and prints what it has as soon as it has it; logs are in LOGS
# (gpu-check/logs). MODELS names those that are measured ("ab_upt upt transformer transolver").
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
root=$PWD
device=${1:-cuda}
shift
benchmark=1
[[ ${1:-} == --no-benchmark ]] && benchmark=
export PYTHON=${PYTHON:-python3}
bundle=${BUNDLE:-$root/gpu-check}
build=${BUILD:-$bundle/build}
logs=${LOGS:-$bundle/logs}
budget=${BUDGET:-470}
[[ $device == cuda ]] || budget=${BUDGET:-7200} # without a GPU nobody waits for the machine
say() { echo "gpu-check (${SECONDS} s): $*"; }
for file in check.js bench.js kernels.js; do
  [[ -f $bundle/$file ]] && continue
  echo "gpu-check: expected $bundle/$file; node scripts/gpu/bundle.mjs makes it" >&2
  exit 2
done
mkdir -p "$logs"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=()
# limited MOST KEPT COMMAND...: at most MOST seconds on a GPU, and so few that KEPT are left after it.
limited() {
  local most=$1 left=$((budget - SECONDS - $2))
  shift 2
  [[ $device == cuda ]] && ((left > most)) && left=$most
  ((left < 1)) && { echo "no time is left for it" >&2; return 124; }
  timeout --kill-after=5 "$left" "$@"
}

node=$(command -v node || true)
if [[ -z $node ]]; then
  node=$bundle/node
  [[ -x $node ]] || "$PYTHON" -c "import lzma, shutil; shutil.copyfileobj(lzma.open('$node.xz'), open('$node', 'wb'))"
  chmod +x "$node"
fi
libtorch=${LIBTORCH:-$("$PYTHON" -c 'import importlib.util as u, os; s = u.find_spec("torch"); print(os.path.dirname(s.origin) if s else "")')}
if [[ -z $libtorch && -z ${NOETHER_NATIVE:-} ]]; then
  echo "gpu-check: expected a Python with torch ($PYTHON has none): PYTHON names one, or LIBTORCH a torch folder" >&2
  exit 2
fi
say "Node $("$node" --version), libtorch in ${libtorch:-NOETHER_NATIVE}, $(c++ --version | head -n 1), $(nproc) cores"
if [[ $device == cuda ]]; then
  say "$(timeout 20 nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total --format=csv,noheader 2>&1 | head -n 4)"
  # code for the GPU that is there alone
  capability=$(timeout 20 nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -dc 0-9)
  [[ -n $capability ]] && export NOETHER_CUDA_ARCHITECTURES=${NOETHER_CUDA_ARCHITECTURES:-$capability}
fi

# Compiling the models takes PyTorch minutes, most of them on one core: it fills its cache while the addon is built, which goes first.
warm=()
if [[ $device == cuda && $benchmark ]]; then
  for model in ab_upt upt transformer transolver; do
    for dtype in bfloat16 float32; do
      mkdir "$work/$model-$dtype"
      printf 'compile train %s 2\ncompile forward %s 1\n' $dtype $dtype |
        nice -n 10 timeout --kill-after=5 200 "$PYTHON" benchmarks/gpu.py $model 1 "$device" "$work/$model-$dtype" \
          >"$logs/compile-$model-$dtype.log" 2>&1 &
      warm+=($!)
    done
  done
fi

if [[ -z ${NOETHER_NATIVE:-} ]]; then
  generator=()
  keep=(-k)
  command -v ninja >/dev/null && generator=(-G Ninja) && keep=(-k 0)
  cuda=OFF
  [[ $device == cuda ]] && cuda=ON
  # compile OPTIONS...: goes on after an error, so that one run shows them all
  compile() {
    cmake -S native -B "$build" "${generator[@]}" -DLIBTORCH="$libtorch" -DNOETHER_CUDA=$cuda "$@" &&
      limited 300 120 cmake --build "$build" --parallel "${JOBS:-$(nproc)}" -- "${keep[@]}"
  }
  if ! compile >"$logs/build.log" 2>&1; then
    failed+=("the build")
    grep -E -A 8 'error|FAILED|CMake Error|no time is left' "$logs/build.log" | cut -c 1-300 | head -n 60
    say "the build failed; once more without CUDA kernels of our own"
    compile -DNOETHER_CUDA_KERNELS=OFF >"$logs/build-again.log" 2>&1
  fi
  grep -E '^-- (CUDA kernels|No nccl)' "$logs/build.log"
  export NOETHER_NATIVE=$build/Release/noether_native.node
fi
if [[ ! -f $NOETHER_NATIVE ]]; then
  say "failed: there is no addon, so nothing can be tried ($logs/build.log)"
  exit 1
fi
export NOETHER_TEST_DEVICE=$device
export NOETHER_GOLDEN_DIR=$root/test/golden NOETHER_GOLDEN26_DIR=$root/test/golden/2026.4
say "addon $NOETHER_NATIVE"

# without PYTHON: tests that have Python read files want scripts that stand beside them
limited 150 60 env -u PYTHON "$node" --expose-gc "$bundle/check.js" 2>"$logs/tests.log" || failed+=("tests")
say "tests ended; what they wrote to stderr: $logs/tests.log"

if [[ $benchmark ]]; then
  ((${#warm[@]})) && wait "${warm[@]}"
  if [[ $device == cuda ]]; then
    say "PyTorch has compiled the models"
    limited 60 120 "$node" "$bundle/kernels.js" 2>"$logs/kernels.log" || failed+=("kernels against compositions")
  fi
  captured=()
  [[ $device == cuda ]] && captured=(--capture)
  # A process for each model: a failure on the device spoils everything after it in the same process.
  models=${MODELS:-ab_upt upt transformer transolver}
  heading=()
  for model in $models; do
    limited 240 0 "$node" "$bundle/bench.js" --device "$device" --models "$model" "${captured[@]}" "${heading[@]}" \
      --seconds $((budget - SECONDS - 15)) "$@" 2>"$logs/benchmark-$model.log" || failed+=("benchmark of $model")
    heading=(--no-heading)
  done
fi
if ((${#failed[@]})); then
  for log in "$logs"/{tests,kernels,benchmark-*}.log; do
    [[ -s $log ]] && { echo "--- $log"; tail -n 5 "$log" | cut -c 1-400; }
  done
  say "failed: $(printf '%s, ' "${failed[@]}" | sed 's/, $//')"
  exit 1
fi
say "done"
