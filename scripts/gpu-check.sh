#!/usr/bin/env bash
# One command for a bare machine with a GPU: builds the addon against the libtorch of its Python, runs the tests of CUDA for real, and
# measures the four models beside PyTorch, eager and compiled.
#
#   [PYTHON=python3] [LIBTORCH=<torch folder>] [BUNDLE=gpu-check] scripts/gpu-check.sh [cuda|cpu] [--no-benchmark | benchmark options...]
#
# Needs g++, cmake, ninja or make, and a Python with torch 2.11 to 2.14; no network, and no Node: `node scripts/gpu/bundle.mjs` puts one
# into gpu-check/, which is carried along with native/, benchmarks/, test/golden/ and node_modules/node-{addon-api,api-headers}
# (`--archive`: all of it in gpu-check.tar.xz). With "cpu" the same runs without a GPU; NOETHER_NATIVE names an addon that is built
# already. The exit code is not 0 when a test failed, or the benchmark did not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
device=${1:-cuda}
shift || true
benchmark=1
[[ ${1:-} == --no-benchmark ]] && benchmark=
export PYTHON=${PYTHON:-python3}
bundle=${BUNDLE:-$root/gpu-check}
build=${BUILD:-$bundle/build}
say() { echo "gpu-check (${SECONDS} s): $*"; }
for file in check.js bench.js; do
  [[ -f $bundle/$file ]] && continue
  echo "gpu-check: expected $bundle/$file; node scripts/gpu/bundle.mjs makes it" >&2
  exit 2
done

node=$(command -v node || true)
if [[ -z $node ]]; then
  node=$bundle/node
  [[ -x $node ]] || "$PYTHON" -c "import lzma, shutil; shutil.copyfileobj(lzma.open('$node.xz'), open('$node', 'wb'))"
  chmod +x "$node"
fi

# Compiling the models takes PyTorch minutes, most of them on one core: it fills its cache while the addon is built.
warm=()
if [[ $device == cuda && $benchmark ]]; then
  for model in ab_upt upt transformer transolver; do
    for dtype in bfloat16 float32; do
      printf 'compile train %s 2\ncompile forward %s 1\n' $dtype $dtype |
        timeout 150 "$PYTHON" benchmarks/gpu.py $model 1 "$device" "$(mktemp -d)" >/dev/null 2>&1 &
      warm+=($!)
    done
  done
fi

if [[ -z ${NOETHER_NATIVE:-} ]]; then
  libtorch=${LIBTORCH:-$("$PYTHON" -c 'import importlib.util as u, os; print(os.path.dirname(u.find_spec("torch").origin))')}
  generator=()
  command -v ninja >/dev/null && generator=(-G Ninja)
  cuda=OFF
  [[ $device == cuda ]] && cuda=ON
  {
    cmake -S native -B "$build" "${generator[@]}" -DLIBTORCH="$libtorch" -DNOETHER_CUDA=$cuda &&
      cmake --build "$build" --parallel "${JOBS:-$(nproc)}"
  } >"$bundle/build.log" 2>&1 || { tail -n 40 "$bundle/build.log"; exit 1; }
  export NOETHER_NATIVE=$build/Release/noether_native.node
fi
export NOETHER_TEST_DEVICE=$device
export NOETHER_GOLDEN_DIR=$root/test/golden NOETHER_GOLDEN26_DIR=$root/test/golden/2026.4
say "addon $NOETHER_NATIVE, Node $("$node" --version)"

status=0
# without PYTHON: tests that have Python read files want scripts that stand beside them
timeout 180 env -u PYTHON "$node" --expose-gc "$bundle/check.js" || status=$?
say "tests ended with exit code $status"
if [[ $benchmark ]]; then
  if ((${#warm[@]})); then
    wait "${warm[@]}" || true
    say "PyTorch has compiled the models"
  fi
  captured=()
  [[ $device == cuda ]] && captured=(--capture)
  "$node" "$bundle/bench.js" --device "$device" "${captured[@]}" "$@" || status=$?
fi
say "done"
exit "$status"
