#!/usr/bin/env bash
# Builds every function of functions/ for FunctionGraph's custom runtime and zips each as NAME.zip with a `bootstrap`
# in it. The same source gives the same bytes. Needs cargo, python3 and, for the first run, PyPI.
#
#   scripts/package.sh [FOLDER]      FOLDER: where the zips go, default target/functions
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"
output="${1:-target/functions}"

# The linker brings old C libraries to link against: the binary then runs wherever glibc is at least this old.
target="x86_64-unknown-linux-gnu"
glibc="2.17"
limit_bytes=$((4 * 1024 * 1024))

tools="$root/target/packaging"
pins="cargo-zigbuild==0.24.0 ziglang==0.17.1"
if [[ "$(cat "$tools/pins" 2>/dev/null)" != "$pins" ]]; then
    rm -rf "$tools"
    python3 -m venv "$tools"
    # shellcheck disable=SC2086 # a list of words
    "$tools/bin/pip" install --quiet --disable-pip-version-check $pins
    echo "$pins" >"$tools/pins"
fi

functions=()
for manifest in functions/*/Cargo.toml; do
    functions+=("$(basename "$(dirname "$manifest")")")
done

# No path of this machine ends up in a binary.
cargo_home="${CARGO_HOME:-$HOME/.cargo}"
export RUSTFLAGS="--remap-path-prefix=$root=. --remap-path-prefix=$cargo_home=cargo"
PATH="$tools/bin:$PATH" cargo zigbuild --locked --profile function --target "$target.$glibc" "${functions[@]/#/--package=}"

mkdir -p "$output"
python3 scripts/zip_functions.py --glibc "$glibc" --limit-bytes "$limit_bytes" --output "$output" \
    "${functions[@]/#/target/$target/function/}"
