#!/usr/bin/env bash
# scripts/install-deps and the Makefile's message, on a pretended machine whose dpkg-query, apt-get, id and
# pkg-config are ours.
. "$(dirname "$0")/tap.sh"

pretend=$tmp/bin
mkdir "$pretend"
for tool in bash env sed grep tail mktemp rm cat dirname tr; do ln -s "$(command -v $tool)" "$pretend/$tool"; done
stub() { { echo '#!/usr/bin/env bash'; cat; } >"$pretend/$1"; chmod +x "$pretend/$1"; }
stub dpkg-query <<<'case " $ABSENT " in *" ${!#} "*) exit 1 ;; *) echo -n installed ;; esac'
stub apt-get <<<'echo "$@" >>"$CALLS"; [ "${!#}" != "$BROKEN" ] || { echo "E: no such luck"; exit 100; }'
stub id <<<'echo "$USER_ID"'

# install ABSENT USER_ID [BROKEN]: what it said in $tmp/said, its calls of apt-get in $tmp/calls.
install() {
    : >"$tmp/calls"
    PATH=$pretend ABSENT=$1 USER_ID=$2 BROKEN=${3:-} CALLS=$tmp/calls scripts/install-deps >"$tmp/said" 2>&1
}
nothing() { install "" 0 && [ ! -s "$tmp/calls" ] && [ ! -s "$tmp/said" ]; }
missing() {
    install "libgsl-dev curl" 0 && grep -q 'install -y --no-install-recommends libgsl-dev curl$' "$tmp/calls" &&
        [ "$(cat "$tmp/said")" = "Installing 2 packages: libgsl-dev curl" ]
}
broken() { ! install "curl" 0 curl && grep -q 'E: no such luck' "$tmp/said" && tail -n 1 "$tmp/said" | grep -q 'apt-get failed'; }
no_root() { ! install "curl" 1000 && [ "$(cat "$tmp/said")" = "scripts/install-deps: neither root nor sudo; as root: apt-get install -y curl" ]; }
sudo_asked() {
    stub sudo <<<'[ "$1" = -n ] && shift; exec "$@"'
    install "curl" 1000 && grep -q 'install -y .* curl$' "$tmp/calls"
}
make_says() {
    mkdir "$tmp/none" && printf '#!/bin/sh\nexit 1\n' >"$tmp/none/pkg-config" && chmod +x "$tmp/none/pkg-config"
    local out package
    out=$(MAKEFLAGS='' PATH=$tmp/none:$PATH make --no-print-directory all 2>&1) && return 1
    [ "$(wc -l <<<"$out")" = 1 ] || { echo "$out"; return 1; }
    for package in $(sed 's/#.*//' scripts/packages.txt); do
        grep -q " $package\b" <<<"$out" || { echo "$package is not named in: $out"; return 1; }
    done
}
make_says_option() {
    mkdir "$tmp/but" && printf '#!/bin/sh\ncase $* in *libxsmm*) exit 1 ;; esac\nexec %s "$@"\n' \
        "$(command -v pkg-config)" >"$tmp/but/pkg-config" && chmod +x "$tmp/but/pkg-config"
    local out
    out=$(MAKEFLAGS='' PATH=$tmp/but:$PATH make --no-print-directory -n XSMM=1 all 2>&1) && return 1
    case $out in *"apt-get install -y libxsmm-dev"*) ;; *) echo "$out"; return 1 ;; esac
    [ "$(wc -l <<<"$out")" = 1 ] || { echo "$out"; return 1; }
    MAKEFLAGS='' PATH=$tmp/but:$PATH make --no-print-directory XSMM= -n all >/dev/null # the default build does not need it
}

tap_test "install-deps: silent when nothing is missing" nothing
tap_test "install-deps: installs what is missing, no more" missing
tap_test "install-deps: apt-get's failure is said" broken
tap_test "install-deps: without root and sudo, one line with the command" no_root
tap_test "install-deps: through sudo" sudo_asked
tap_test "make: one line names what is missing and every package" make_says
tap_test "make: XSMM=1 without LIBXSMM, one line with the command" make_says_option
tap_done
