"""The two things that fetch-libtorch.sh needs to know about wheels (standard library only, Python >= 3.8).

    wheel.py unpack WHEEL DEST [--keep GLOB ...] [--drop GLOB ...]
        Unpacks the files that match a --keep (default: all) and no --drop, each checked against the SHA-256 in the wheel's RECORD.

    wheel.py requirements METADATA [--toolkit METADATA] [--soname NAME ...]
        Prints the pip requirements of the NVIDIA wheels that a torch wheel pins, one per line; with --soname only those that
        hold these shared libraries. Newer torch wheels pin `cuda-toolkit[extra, ...]==V`, whose own METADATA then lists the wheels:
        without --toolkit the first line printed is that requirement alone.
"""

import argparse
import base64
import csv
import fnmatch
import hashlib
import io
import re
import sys
import zipfile
from pathlib import Path

# Which wheel holds which library; the suffix -cu12/-cu13 of the older names is left out.
WHEEL_OF_LIBRARY = {
    "libcudart": "nvidia-cuda-runtime",
    "libcupti": "nvidia-cuda-cupti",
    "libnvrtc": "nvidia-cuda-nvrtc",
    "libcublas": "nvidia-cublas",
    "libcublasLt": "nvidia-cublas",
    "libcudnn": "nvidia-cudnn",
    "libcufft": "nvidia-cufft",
    "libcufile": "nvidia-cufile",
    "libcurand": "nvidia-curand",
    "libcusolver": "nvidia-cusolver",
    "libcusparse": "nvidia-cusparse",
    "libcusparseLt": "nvidia-cusparselt",
    "libnccl": "nvidia-nccl",
    "libnvshmem_host": "nvidia-nvshmem",
    "libnvJitLink": "nvidia-nvjitlink",
    "libnvToolsExt": "nvidia-nvtx",
}


def unpack(wheel: Path, destination: Path, keep: list, drop: list) -> None:
    with zipfile.ZipFile(wheel) as archive:
        record_name = next(name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/RECORD", name))
        record = {row[0]: row[1] for row in csv.reader(io.TextIOWrapper(archive.open(record_name), "utf-8")) if row}
        for entry in archive.infolist():
            name = entry.filename
            if entry.is_dir() or not matches(name, keep) or matches(name, drop):
                continue
            target = destination / name
            if destination.resolve() not in target.resolve().parents:
                raise SystemExit(f"expected only paths inside the wheel, got {name!r} in {wheel.name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            with archive.open(entry) as source, open(target, "wb") as out:
                while chunk := source.read(1 << 20):
                    digest.update(chunk)
                    out.write(chunk)
            expected = record.get(name, "")
            actual = "sha256=" + base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
            if name != record_name and expected != actual:
                raise SystemExit(f"expected {expected or 'an entry in RECORD'} for {name} of {wheel.name}, got {actual}: the wheel is damaged")
            mode = entry.external_attr >> 16
            if mode & 0o111:
                target.chmod(0o755)


def matches(name: str, globs: list) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for glob in globs)


def requirements(torch: Path, toolkit, sonames) -> list:
    pinned = []
    for requirement, extra in requires_dist(torch):
        if extra is not None:
            continue
        if requirement.startswith("cuda-toolkit["):
            name, extras, version = re.fullmatch(r"([\w-]+)\[([^\]]*)\](.*)", requirement).groups()
            if toolkit is None:
                return [name + version]
            wanted = {part.strip() for part in extras.split(",")}
            pinned += [entry for entry, of_extra in requires_dist(toolkit) if of_extra in wanted]
        elif requirement.startswith("nvidia-"):
            pinned.append(requirement)
    pinned = list(dict.fromkeys(pinned))
    if sonames:
        wheels = {WHEEL_OF_LIBRARY.get(re.split(r"\.so\b", soname)[0], soname) for soname in sonames}
        pinned = [entry for entry in pinned if wheel_name(entry) in wheels]
    return pinned


def wheel_name(requirement: str) -> str:
    return re.sub(r"-cu\d+$", "", re.match(r"[A-Za-z0-9._-]+", requirement).group())


def requires_dist(metadata: Path):
    """(requirement without its marker, the extra it belongs to or None) of each Requires-Dist line that holds on this platform."""
    for line in metadata.read_text("utf-8").splitlines():
        if not line.startswith("Requires-Dist:"):
            continue
        requirement, _, marker = line.partition(":")[2].partition(";")
        if "win32" in marker and "linux" not in marker.lower():
            continue
        extra = re.search(r"""extra\s*==\s*['"]([\w-]+)['"]""", marker)
        yield requirement.strip().replace(" ", ""), extra.group(1) if extra else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("unpack")
    command.add_argument("wheel", type=Path)
    command.add_argument("destination", type=Path)
    command.add_argument("--keep", nargs="+", default=["*"])
    command.add_argument("--drop", nargs="+", default=[])
    command = commands.add_parser("requirements")
    command.add_argument("metadata", type=Path)
    command.add_argument("--toolkit", type=Path)
    command.add_argument("--soname", nargs="+", default=[])
    options = parser.parse_args()
    if options.command == "unpack":
        unpack(options.wheel, options.destination, options.keep, options.drop)
    else:
        print("\n".join(requirements(options.metadata, options.toolkit, options.soname)))


if __name__ == "__main__":
    sys.exit(main())
