#!/usr/bin/env bash
# Which BLAS kernels a training runs with (the manifest says): by default the best for the processor, with --no-shuffle
# those of any other program, and the user's own choice before either.
. "$(dirname "$0")/tap.sh"
unset OPENBLAS_CORETYPE

kernels() { # kernels NAME OPTIONS: the manifest's line of OpenBLAS, after a small training
    local dir=$tmp/$1
    shift
    "$BUILD/sgdlab" train --data digits:train=200:test=50 --epochs 1 --quiet --out "$dir" "$@" >/dev/null || return
    grep '"openblas"' "$dir/manifest.json"
}
if grep -q avx512bw /proc/cpuinfo; then best='SkylakeX|Cooperlake|SapphireRapids|Zen[45]'; else best='.'; fi
plain=$(kernels plain --no-shuffle)
matches() { grep -Eq "$1" <<<"$2"; }
tap_test "by default, the best kernels for this processor" matches "$best" "$(kernels default)"
tap_test "--no-shuffle asks for nothing" [ "$plain" = "$(OPENBLAS_CORETYPE='' kernels again --no-shuffle)" ]
if [ "$(uname -m)" = x86_64 ]; then
    tap_test "the user's choice stands" matches Sandybridge "$(OPENBLAS_CORETYPE=Sandybridge kernels user)"
fi
tap_done
