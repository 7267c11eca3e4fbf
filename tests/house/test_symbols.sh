#!/usr/bin/env bash
# Names that programs linking libsgdlab can collide with: every global symbol starts with sl_.
. "$(dirname "$0")/tap.sh"

# Reads nm's output; prints and fails for a global name without the prefix. Sanitizers add theirs (__asan, __odr, ...).
only_ours() {
    local strangers
    strangers=$(awk 'NF == 3 && $2 ~ /[A-Z]/ && $3 !~ /^(sl_|__asan|__odr_asan|__ubsan|__sanitizer|_init$|_fini$)/ {print $3}')
    [ -z "$strangers" ] || { echo "without the prefix sl_: $strangers"; return 1; }
}
shared() { nm -D --defined-only "$BUILD/libsgdlab.so" | only_ours; }
static() { nm --defined-only --extern-only "$BUILD/libsgdlab.a" | only_ours; }
nonempty() { [ "$(nm -D --defined-only "$BUILD/libsgdlab.so" | grep -c ' sl_')" -gt 20 ]; }
control() { ! printf '%s\n' '00001 T sl_fail' '00002 D helper' | only_ours; }

tap_test "symbols: the shared library exports sl_ names alone" shared
tap_test "symbols: the static library too" static
tap_test "symbols: it does export them" nonempty
tap_test "symbols: a name without the prefix is seen" control
tap_done
