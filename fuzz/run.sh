#!/bin/sh
# Fuzzes one target on a stable compiler, without cargo-fuzz: fuzz/run.sh TARGET SECONDS
#
# What it finds new is kept in fuzz/corpus/TARGET; an input that fails lies in fuzz/artifacts/TARGET.
set -eu
cd "$(dirname "$0")"
target="$1"
seconds="${2:-60}"
triple="$(rustc -vV | sed -n 's/^host: //p')"

export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
cargo build --release --target "$triple" --bin "$target"
mkdir -p "corpus/$target" "artifacts/$target"
exec "target/$triple/release/$target" -artifact_prefix="artifacts/$target/" -max_total_time="$seconds" -rss_limit_mb=1024 \
    -timeout=10 "corpus/$target" "seeds/$target"
