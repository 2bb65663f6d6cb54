#!/usr/bin/env python3
"""Zips function binaries so that the same binary always gives the same bytes, and checks what the platform demands."""

import argparse
import hashlib
import pathlib
import re
import sys
import zipfile

# The oldest time that the format knows: no clock in the archive.
EPOCH = (1980, 1, 1, 0, 0, 0)
UNIX = 3
EXECUTABLE = 0o100755


def version(text):
    return tuple(int(part) for part in text.split("."))


def newest_glibc(binary):
    """The newest glibc that a symbol of the binary asks for."""
    found = {match.decode() for match in re.findall(rb"GLIBC_(\d+(?:\.\d+)+)\0", binary)}
    return max(found, key=version, default="0")


def write_zip(path, binary):
    entry = zipfile.ZipInfo("bootstrap", EPOCH)
    entry.create_system = UNIX
    entry.external_attr = EXECUTABLE << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, binary, compresslevel=9)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binaries", nargs="+", type=pathlib.Path)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--glibc", required=True, help="the oldest glibc that must do")
    parser.add_argument("--limit-bytes", required=True, type=int, help="largest zip")
    arguments = parser.parse_args()

    problems = []
    print(f"{'function':<10} {'binary':>9} {'zip':>9}  sha256")
    for path in arguments.binaries:
        binary = path.read_bytes()
        target = arguments.output / f"{path.name}.zip"
        write_zip(target, binary)
        zipped = target.read_bytes()
        digest = hashlib.sha256(zipped).hexdigest()
        print(f"{path.name:<10} {len(binary) / 2**20:>6.2f} MB {len(zipped) / 2**20:>6.2f} MB  {digest}")
        if len(zipped) > arguments.limit_bytes:
            problems.append(f"{target} has {len(zipped)} bytes, more than {arguments.limit_bytes}")
        needs = newest_glibc(binary)
        if version(needs) > version(arguments.glibc):
            problems.append(f"{path} needs glibc {needs}, newer than {arguments.glibc}")
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
