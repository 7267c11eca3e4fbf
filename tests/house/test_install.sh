#!/usr/bin/env bash
# make install, and programs built against what it installs: shared and static, through pkg-config.
. "$(dirname "$0")/tap.sh"

stage=$tmp/stage
to=$stage/opt/lab
mk() { MAKEFLAGS='' make -s CC="$CC" SAN="$SAN" XSMM="$XSMM" PREFIX=/opt/lab DESTDIR="$stage" "$@"; }
pc() { PKG_CONFIG_PATH=$to/lib/pkgconfig pkg-config --define-variable=prefix="$to" "$@" sgdlab; }
sanitize=${SAN:+-fsanitize=address,undefined}

cat > "$tmp/use.c" <<'C'
#include <stdio.h>
#include "base/random.h"
#include "base/run.h"
#include "base/spec.h"
#include "claims/claim.h"
#include "nets/train.h"
#include "sim/ensemble.h"
int main(void)
{
    double value;
    sl_err err;
    const sl_draw draw = {.seed = 1, .purpose = SL_PURPOSE_TEST};
    if (sl_parse_double(&value, "0.25", "value", &err) != SL_OK) return 1;
    if (sl_parse_double(&value, "0.25x", "value", &err) != SL_E_DOMAIN) return 1;
    const double u = sl_random_uniform(0, &draw);
    printf("sgdlab %s %g %d\n", sl_version, value, u > 0 && u < 1);
    return 0;
}
C

files() {
    mk install || return 1
    local f
    for f in bin/sgdlab lib/libsgdlab.a lib/libsgdlab.so lib/pkgconfig/sgdlab.pc include/sgdlab/base/status.h \
             share/man/man1/sgdlab.1; do
        [ -s "$to/$f" ] || { echo "not installed: $f"; return 1; }
    done
    [ "$(readlink "$to/lib/libsgdlab.so")" = "$(readelf -d "$to/lib/libsgdlab.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')" ] ||
        { echo "libsgdlab.so does not lead to its soname"; return 1; }
    ! find "$to" -name '*_kernel.h' -o -name main.c | grep . || { echo "private files installed"; return 1; }
}
prefix() { grep -qx 'prefix=/opt/lab' "$to/lib/pkgconfig/sgdlab.pc" && ! grep -rl "$stage" "$to/lib/pkgconfig"; }
version() {
    local said
    said=$("$to/bin/sgdlab" --version) && case $said in "sgdlab $(pc --modversion) "*) ;; *) echo "$said"; return 1 ;; esac
}
expected() { [ "$1" = "sgdlab $(pc --modversion) 0.25 1" ] || { echo "printed: $1"; return 1; }; }
headers() { # all of them together, found where they are installed and nowhere else
    (cd "$to/include/sgdlab" && find . -name '*.h' | sed 's|^\./\(.*\)|#include "\1"|') >"$tmp/all.c"
    [ "$(wc -l <"$tmp/all.c")" -gt 20 ] || { cat "$tmp/all.c"; return 1; }
    (cd "$tmp" && $CC -std=gnu17 -Wall -Wextra -Werror $(pc --cflags) -fsyntax-only all.c)
}
shared() {
    $CC $sanitize -Wall -Wextra -Werror "$tmp/use.c" $(pc --cflags --libs) -o "$tmp/shared" || return 1
    readelf -d "$tmp/shared" | grep 'NEEDED.*libsgdlab' >/dev/null || { echo "not linked to the shared library"; return 1; }
    expected "$(LD_LIBRARY_PATH=$to/lib "$tmp/shared")"
}
static() {
    mkdir "$tmp/only" && cp "$to/lib/libsgdlab.a" "$tmp/only/" || return 1
    $CC $sanitize "$tmp/use.c" $(pc --cflags) -L"$tmp/only" $(pc --libs-only-l --libs-only-other --static) \
        $(pc --libs-only-L --static | sed "s|-L$to/lib||") -o "$tmp/static" || return 1
    ! readelf -d "$tmp/static" | grep 'NEEDED.*libsgdlab' || { echo "linked to the shared library"; return 1; }
    expected "$("$tmp/static")"
}
gone() { mk uninstall && ! find "$to" -type f -o -type l | grep .; }

tap_test "install: files, links and soname under DESTDIR" files
tap_test "install: sgdlab.pc names the prefix, not the staging folder" prefix
tap_test "install: the installed program knows its version" version
tap_test "install: the headers need no other" headers
tap_test "install: a program on the shared library, through pkg-config" shared
tap_test "install: a program on the static library" static
tap_test "install: uninstall leaves no file" gone
tap_done
