"""Makes fixtures/libtorch.zip: what fetch-libtorch.sh looks for in a libtorch, packed as the official archive is."""

import zipfile
from pathlib import Path

VERSION_H = "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 13\n#define TORCH_VERSION_PATCH 0\n"

with zipfile.ZipFile(Path(__file__).parent / "fixtures" / "libtorch.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for name, content in {
        "libtorch/include/torch/headeronly/version.h": VERSION_H,
        "libtorch/lib/libc10.so": "",
        "libtorch/lib/libtorch_cpu.so": "",
    }.items():
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
