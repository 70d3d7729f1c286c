#!/usr/bin/env bash
# Finds a libtorch, or fetches one, and prints its path (the folder with include/ and lib/) on stdout. Everything else goes to stderr.
#
#   scripts/fetch-libtorch.sh [--variant cpu|cu130] [--version 2.13.0] [--any-version] [--dest DIR]
#
# Order: LIBTORCH (a path) -> the torch of a Python installation -> cache -> official zip -> wheel through pip.
#   --variant   cpu (default) or a CUDA flavour such as cu130
#   --version   2.11 to 2.14, default 2.13.0
#   --any-version   take the torch of a Python installation whatever its version from 2.11 to 2.14
#   --dest DIR  put it there instead of the cache; skips LIBTORCH and Python
# Environment:
#   LIBTORCH                  use this libtorch, nothing is fetched
#   NOETHER_PYTHON            Python to look for torch in and to run pip with (else $VIRTUAL_ENV, python3, python)
#   NOETHER_CACHE             cache folder (else $XDG_CACHE_HOME/noether-ts, ~/.cache/noether-ts)
#   NOETHER_LIBTORCH_MIRROR   base URL that replaces https://download.pytorch.org/libtorch (holds cpu/…zip, cu130/…zip)
#   NOETHER_LIBTORCH_SHA256   the zip's SHA-256, where neither the table in this folder nor <zip>.sha256 beside it has it
#   HTTP_PROXY, HTTPS_PROXY, NO_PROXY and pip's own settings are honoured.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
variant=cpu
version=2.13.0
version_given=
python_version=same
dest=
command=${NOETHER_SETUP_COMMAND:-$0} # what a person types; set-up names itself

usage() { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; }
say() { printf 'fetch-libtorch: %s\n' "$*" >&2; }

tried=()
note() {
  tried+=("$1")
  say "$1"
}

fail() {
  {
    printf 'fetch-libtorch: expected to find or fetch libtorch %s (%s), but nothing worked:\n' "$version" "$variant"
    printf '  - %s\n' "${tried[@]}"
    printf 'What to do next:\n'
    printf '  1. LIBTORCH=/path/to/libtorch %s     with a libtorch that you have (a torch/ folder of a Python installation will do)\n' "$command"
    printf '  2. python3 -m pip download --no-deps torch==%s     shows whether pip reaches a package index; set its proxy or index if not\n' "$version"
    printf '  3. NOETHER_LIBTORCH_MIRROR=https://your.mirror/libtorch %s     with a mirror that holds %s\n' "$command" "$(zip_path)"
  } >&2
  exit 1
}

while (($#)); do
  case $1 in
    --variant | --version | --dest)
      [[ $# -ge 2 ]] || { say "expected a value after $1"; exit 2; }
      case $1 in
        --variant) variant=$2 ;;
        --version) version=$2 version_given=1 ;;
        --dest) dest=$2 ;;
      esac
      shift 2
      ;;
    --any-version) python_version=any; shift ;;
    -h | --help) usage; exit 0 ;;
    *) say "expected --variant, --version, --any-version or --dest, got $1"; usage; exit 2 ;;
  esac
done
[[ $variant =~ ^(cpu|cu[0-9]{3})$ ]] || { say "expected --variant cpu or cu130, got $variant"; exit 2; }
[[ $version =~ ^2\.1[1-4](\.[0-9]+)?$ ]] || { say "expected --version 2.11 to 2.14 (the addon compiles against these), got $version"; exit 2; }
[[ $version =~ ^2\.[0-9]+$ ]] && version=$version.0

system=$(uname -s)
machine=$(uname -m)

# ---- what a libtorch folder is

# Version of a libtorch folder, from its headers; empty when it is none.
version_of() {
  local header
  for header in torch/headeronly/version.h torch/csrc/api/include/torch/version.h torch/version.h; do
    if [[ -r $1/include/$header ]] && grep -q 'define TORCH_VERSION_MAJOR [0-9]' "$1/include/$header"; then
      sed -nE 's/.*define TORCH_VERSION_(MAJOR|MINOR|PATCH) ([0-9]+).*/\2/p' "$1/include/$header" | paste -sd.
      return
    fi
  done
}

# Shared libraries that a library needs and the dynamic linker does not find, e.g. "libcudart.so.13".
missing_libraries() {
  [[ $system == Linux ]] || return 0
  LD_LIBRARY_PATH='' ldd "$1" 2>/dev/null | sed -nE 's/^[[:space:]]*([^ ]+) => not found.*/\1/p' | sort -u
}

# Prints why the folder $1 does not do as a libtorch; nothing when it does.
unfit() {
  local folder=$1 found missing library
  local suffix=so
  [[ $system == Darwin ]] && suffix=dylib
  found=$(version_of "$folder")
  [[ -n $found ]] || { echo "no include/ATen and version header there"; return; }
  [[ $found =~ ^2\.1[1-4]\. ]] || { echo "version $found, but 2.11 to 2.14 is expected"; return; }
  if [[ ${found%.*} != "${version%.*}" && ($2 == same || -n $version_given) ]]; then
    echo "version $found, but ${version%.*} is expected"
    return
  fi
  for library in c10 torch_cpu $([[ $variant == cpu ]] || echo c10_cuda torch_cuda); do
    [[ -r $folder/lib/lib$library.$suffix ]] || { echo "no lib/lib$library.$suffix there"; return; }
    missing=$(missing_libraries "$folder/lib/lib$library.$suffix" | paste -sd' ')
    [[ -z $missing ]] || { echo "lib$library.$suffix needs $missing, not found"; return; }
  done
}

# ---- where one may be

try_libtorch_variable() {
  [[ -n ${LIBTORCH:-} ]] || { note "LIBTORCH: not set"; return 1; }
  local reason
  reason=$(unfit "$LIBTORCH" any)
  if [[ -n $reason ]]; then
    # a path that was given on purpose is not silently passed over
    say "expected LIBTORCH=$LIBTORCH to be a libtorch of version 2.11 to 2.14, variant $variant: $reason"
    say "next: correct the path, or unset LIBTORCH to let this script find or fetch one"
    exit 1
  fi
  cd "$LIBTORCH" && pwd
}

pythons() {
  local candidate
  for candidate in ${NOETHER_PYTHON:+"$NOETHER_PYTHON"} ${VIRTUAL_ENV:+"$VIRTUAL_ENV/bin/python"} python3 python; do
    command -v "$candidate" 2>/dev/null || true
  done | awk '!seen[$0]++'
}

try_python() {
  local python folder reason seen=
  while read -r python; do
    # find_spec reads no torch code: importing it would take seconds. Without "", a folder torch/ of the current folder does not count.
    folder=$("$python" -c 'import sys; sys.path = [p for p in sys.path if p]; import importlib.util as u, os; s = u.find_spec("torch"); print(os.path.dirname(s.origin) if s and s.origin else "")' 2>/dev/null) || continue
    seen=1
    [[ -n $folder ]] || { note "torch of $python: not installed"; continue; }
    reason=$(unfit "$folder" "$python_version")
    [[ -z $reason ]] || { note "torch of $python ($folder): $reason"; continue; }
    echo "$folder"
    return
  done < <(pythons)
  [[ -n $seen ]] || note "torch of a Python installation: no python3 on the PATH"
  return 1
}

# The libtorch inside a finished folder of ours (a wheel has torch/, a zip libtorch/); fails when it is not complete.
finished() {
  local folder
  [[ -r $1/.complete ]] || return 1
  for folder in "$1/torch" "$1/libtorch"; do
    [[ -d $folder && -z $(unfit "$folder" same) ]] && { echo "$folder"; return; }
  done
  return 1
}

# ---- fetching: everything is made in a temporary folder beside the target and renamed when it is complete

zip_path() {
  local name=libtorch-shared-with-deps-$version%2B$variant.zip
  [[ $system == Darwin ]] && name=libtorch-macos-$machine-$version.zip
  echo "$variant/$name"
}

checksum_of() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1
}

# The SHA-256 of the file name $1 in the table; fails when it has none.
listed_checksum() {
  awk -v name="$1" '!/^#/ && $2 == name { print $1; found = 1 } END { exit !found }' "$here/libtorch-checksums.txt"
}

# The expected SHA-256 of the zip at URL $1: from the variable, the table, or the file beside it; empty when nobody knows.
expected_checksum() {
  local name=${1##*/}
  if [[ -n ${NOETHER_LIBTORCH_SHA256:-} ]]; then
    echo "$NOETHER_LIBTORCH_SHA256"
  else
    listed_checksum "$name" ||
      curl -fsSL --connect-timeout 5 --max-time 20 "$1.sha256" 2>/dev/null | grep -oiE '^[0-9a-f]{64}' || true
  fi
}

try_zip() {
  local base=${NOETHER_LIBTORCH_MIRROR:-https://download.pytorch.org/libtorch} url part expected actual error attempt
  url=${base%/}/$(zip_path)
  [[ $system == Darwin || $machine == x86_64 ]] || { note "official zip: none for $system $machine"; return 1; }
  command -v curl >/dev/null || { note "official zip: curl is not installed"; return 1; }
  command -v unzip >/dev/null || { note "official zip: unzip is not installed"; return 1; }
  if ! error=$(curl -fsSIL --connect-timeout 5 --max-time 20 "$url" 2>&1 >/dev/null); then
    note "official zip ($url): ${error//$'\n'/ }"
    return 1
  fi
  expected=$(expected_checksum "$url")
  if [[ -z $expected && $url != https://* ]]; then
    note "official zip ($url): no checksum known for it and no https; set NOETHER_LIBTORCH_SHA256"
    return 1
  fi
  part=$downloads/${url##*/}.part
  for attempt in resume clean; do
    [[ $attempt == clean ]] && rm -f "$part"
    say "downloading $url"
    if ! error=$(curl -fL --no-progress-meter --connect-timeout 5 --retry 3 --speed-limit 10240 --speed-time 60 -C - -o "$part" "$url" 2>&1); then
      note "official zip ($url): ${error//$'\n'/ } (what came is kept and resumed next time)"
      return 1
    fi
    actual=$(checksum_of "$part")
    if [[ -n $expected && ${expected,,} != "$actual" ]]; then
      error="expected SHA-256 $expected, got $actual"
    elif unzip -tqq "$part" >/dev/null 2>&1; then
      [[ -n $expected ]] || say "no checksum published for ${url##*/}: transport and zip checks passed, SHA-256 is $actual"
      unzip -qq "$part" -d "$work" && rm -f "$part"
      return 0
    else
      error="the zip is damaged"
    fi
    say "$error; starting again from nothing"
  done
  rm -f "$part"
  note "official zip ($url): $error"
  return 1
}

# pip download of wheels for this platform, whatever Python runs pip: $1 = folder, then requirements.
pip_download() {
  local python=$1 folder=$2 glibc platforms=()
  shift 2
  if [[ $system == Linux ]]; then
    for glibc in {34..5}; do platforms+=(--platform "manylinux_2_${glibc}_$machine"); done
    platforms+=(--platform "manylinux2014_$machine" --platform "manylinux1_$machine")
  else
    platforms+=(--platform "macosx_14_0_$machine" --platform "macosx_11_0_$machine")
  fi
  "$python" -m pip download --no-deps --quiet --disable-pip-version-check --dest "$folder" \
    --python-version 3.12 --implementation cp --only-binary=:all: "${platforms[@]}" "$@" >&2
}

# Unpacks the NVIDIA wheels that torch pins into $work: all of them, or with sonames only those that hold these libraries.
add_nvidia_wheels() {
  local python=$1 wheels=$2 torch_metadata toolkit requirement
  shift 2
  local sonames=("$@") needed=() options=()
  torch_metadata=$(echo "$work"/torch-*.dist-info/METADATA)
  ((${#sonames[@]})) && options=(--soname "${sonames[@]}")
  requirement=$("$python" "$here/wheel.py" requirements "$torch_metadata" | head -n 1)
  if [[ $requirement == cuda-toolkit* ]]; then
    pip_download "$python" "$wheels/toolkit" "$requirement" || return 1
    toolkit=$(echo "$wheels"/toolkit/cuda_toolkit-*.whl)
    "$python" "$here/wheel.py" unpack "$toolkit" "$work/toolkit" --keep '*.dist-info/*' || return 1
    options+=(--toolkit "$(echo "$work"/toolkit/*.dist-info/METADATA)")
  fi
  mapfile -t needed < <("$python" "$here/wheel.py" requirements "$torch_metadata" "${options[@]}")
  rm -rf "$work/toolkit"
  [[ -n ${needed[*]} ]] || return 1
  say "downloading ${needed[*]}"
  pip_download "$python" "$wheels/nvidia" "${needed[@]}" || return 1
  local wheel keep=('*')
  # only the libraries themselves where the CPU half asks for two of them
  ((${#sonames[@]})) && keep=("${sonames[@]/#/*/lib/}" '*.dist-info/*')
  for wheel in "$wheels"/nvidia/*.whl; do
    "$python" "$here/wheel.py" unpack "$wheel" "$work" --keep "${keep[@]}" || return 1
  done
}

try_wheel() {
  local python='' candidate wheels=$downloads/wheels-$version-$variant wheel expected actual cuda missing
  while read -r candidate; do
    "$candidate" -m pip --version >/dev/null 2>&1 && { python=$candidate; break; }
  done < <(pythons)
  [[ -n $python ]] || { note "wheel through pip: no Python with pip on the PATH"; return 1; }
  say "downloading the wheel torch==$version with $python -m pip"
  if ! pip_download "$python" "$wheels" "torch==$version"; then
    note "wheel through pip ($python -m pip download torch==$version): failed, see above"
    return 1
  fi
  wheel=$(echo "$wheels"/torch-"$version"*.whl)
  actual=$(checksum_of "$wheel")
  if expected=$(listed_checksum "${wheel##*/}") && [[ $expected != "$actual" ]]; then
    rm -rf "$wheels"
    note "wheel through pip (${wheel##*/}): expected SHA-256 $expected, got $actual"
    return 1
  fi
  say "unpacking"
  # what only Python needs stays out, and the CUDA half with --variant cpu
  local drop=('torch/lib/libtorch_python*' 'torch/lib/libshm*')
  [[ $variant == cpu ]] && drop+=('torch/lib/*_cuda*' 'torch/lib/libtorch_nvshmem*' 'torch/lib/*nvrtc*' 'torch/lib/libtorch.so' 'torch/lib/libtorch_global_deps*')
  if ! "$python" "$here/wheel.py" unpack "$wheel" "$work" \
    --keep 'torch/include/*' 'torch/lib/*' torch/version.py '*.dist-info/*' --drop "${drop[@]}"; then
    rm -rf "$wheels" # a damaged wheel is not kept for the next run
    note "wheel through pip: damaged, see above"
    return 1
  fi
  if [[ $variant != cpu ]]; then
    cuda=$(sed -nE "s/^cuda.*'([0-9]+)\.([0-9]+)'.*/cu\1\2/p" "$work/torch/version.py")
    [[ $cuda == "$variant" ]] || { note "wheel through pip: torch $version there is ${cuda:-without CUDA}, not $variant"; return 1; }
    add_nvidia_wheels "$python" "$wheels" || { note "wheel through pip: the NVIDIA wheels of torch $version failed, see above"; return 1; }
  elif [[ $system == Linux ]]; then
    missing=$(missing_libraries "$work/torch/lib/libtorch_cpu.so")
    if [[ -n $missing ]]; then
      # shellcheck disable=SC2086 # one argument a library
      add_nvidia_wheels "$python" "$wheels" $missing || { note "wheel through pip: $(paste -sd' ' <<<"$missing") not found in an NVIDIA wheel, see above"; return 1; }
    fi
  fi
  rm -rf "$wheels"
}

# ---- main

if [[ $system == Linux ]] && ldd --version 2>&1 | grep -qi musl; then
  say "expected glibc, but this system has musl (Alpine): libtorch has no build for it"
  say "next: use an image with glibc, e.g. one based on Debian"
  exit 1
fi

if [[ -z $dest ]]; then
  try_libtorch_variable && exit 0
  try_python && exit 0
  # Services and containers may run without HOME.
  home=${HOME:-$(getent passwd "$(id -u)" 2>/dev/null | cut -d: -f6)}
  if [[ -z ${NOETHER_CACHE:-}${XDG_CACHE_HOME:-}$home ]]; then
    say "expected a folder for libtorch, but HOME is not set"
    say "next: set NOETHER_CACHE to a folder that keeps it"
    exit 1
  fi
  root=${NOETHER_CACHE:-${XDG_CACHE_HOME:-$home/.cache}/noether-ts}/libtorch
  target=$root/$version-$variant
else
  target=$dest
  root=$(dirname "$dest")
fi
if finished "$target"; then exit 0; fi
if [[ -n $dest && -d $dest && -n $(ls -A "$dest") && ! -e $dest/.complete ]]; then
  say "expected --dest to be an empty or absent folder, $dest has other content"
  exit 2
fi
note "cache ($target): nothing complete there"

downloads=$root/.downloads
mkdir -p "$downloads"
if command -v flock >/dev/null; then # two set-ups at once: the second waits and finds the first one's result
  exec 9>"$downloads/lock"
  flock 9
  if finished "$target"; then exit 0; fi
fi
work=$(mktemp -d "$root/.unpack-XXXXXX")
trap 'rm -rf "$work"' EXIT

for source in zip wheel; do
  if { [[ $source == zip ]] && try_zip; } || { [[ $source == wheel ]] && try_wheel; }; then
    for folder in "$work/torch" "$work/libtorch"; do [[ -d $folder ]] && break; done
    reason=$(unfit "$folder" same)
    if [[ -z $reason ]]; then
      echo "libtorch $(version_of "$folder") $variant, from $source" >"$work/.complete"
      chmod 755 "$work"
      rm -rf "$target"
      mv "$work" "$target"
      say "libtorch $(version_of "$target/${folder##*/}") ($variant) is complete in $target"
      finished "$target"
      exit 0
    fi
    note "what came from the $source: $reason"
  fi
  rm -rf "$work"
  mkdir "$work"
done
fail
