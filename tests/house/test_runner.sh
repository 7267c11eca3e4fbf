#!/usr/bin/env bash
# tests/run itself, on pretended test programs: what passed, failed, was skipped, died, or promised more than it did.
. "$(dirname "$0")/tap.sh"

program() { { echo '#!/bin/sh'; cat; } >"$tmp/$1" && chmod +x "$tmp/$1"; }
program good <<<'printf "ok 1 - a\nok 2 - b\n1..2\n"'
program skips <<<'printf "ok 1 - a\nnot ok 2 # SKIP b\nok 3 - c # skip no network\n1..3\n"'
program bad <<<'printf "ok 1 - a\nnot ok 2 - b\n1..2\n"; exit 1'
program short <<<'printf "1..3\nok 1 - a\n"'
program dies <<<'printf "ok 1 - a\n1..1\n"; kill -9 $$'
program silent <<<'true'

# says LAST CODE PROGRAM...: the last line and whether it ends with 0.
says() {
    local last=$1 code=$2 out rc
    shift 2
    out=$(cd "$tmp" && "$root/tests/run" "${@/#/./}")
    rc=$?
    [ "$(tail -n 1 <<<"$out")" = "$last" ] && [ $rc -eq "$code" ] || { echo "$out"; echo "code $rc"; return 1; }
}
tap_test "runner: passed" says "2 passed, 0 failed" 0 good
tap_test "runner: skipped, in either form, is neither" says "3 passed, 0 failed, 2 skipped" 0 good skips
tap_test "runner: failed" says "3 passed, 1 failed" 1 good bad
tap_test "runner: promised and not done" says "1 passed, 2 failed" 1 short
tap_test "runner: died" says "1 passed, 1 failed" 1 dies
tap_test "runner: said nothing" says "0 passed, 1 failed" 1 silent
tap_test "runner: nothing to run is no success" says "0 passed, 0 failed" 1
tap_done
