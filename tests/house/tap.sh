# tests/house/tap.sh - sourced by the scripts beside it: tests that print TAP, as the C programs do.
#
#   tap_test NAME COMMAND [ARGS]   one test; passes if the command ends with 0. What it prints is shown if not.
#   tap_done                       the plan, at the end.
# Scripts run from the root of the house, with BUILD, CC, SAN and XSMM from the Makefile, and a scratch folder $tmp.
set -u -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
BUILD=${BUILD:-build/release} CC=${CC:-gcc} SAN=${SAN:-} XSMM=${XSMM:-}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
tap_n=0

tap_test() {
    local name=$1 out
    shift
    tap_n=$((tap_n + 1))
    if out=$("$@" 2>&1 </dev/null); then
        echo "ok $tap_n - $name"
    else
        echo "not ok $tap_n - $name"
        sed 's/^/# /' <<<"$out"
    fi
}

tap_done() { echo "1..$tap_n"; }
