#!/usr/bin/env bash
# The programs of examples/: each ends well and says what it is there to say.
. "$(dirname "$0")/tap.sh"

says() { # says PROGRAM LINE
    local out
    out=$("$BUILD/examples/$1") || { echo "exit code $?: $out"; return 1; }
    grep -q -- "$2" <<<"$out" || { echo "'$2' is not in:"; echo "$out"; return 1; }
}
grid() { # grid FILE LINE: the sweep's file is good, and that many runs
    local out
    out=$("$BUILD/sgdlab" sweep "examples/$1" --dry-run 2>&1) || { echo "exit code $?: $out"; return 1; }
    [ "$(tail -n 1 <<<"$out")" = "$2" ] || { echo "'$2' is not the end of:"; echo "$out"; return 1; }
}
tap_test "rates.sweep: a grid" grid rates.sweep '30 runs, 10 cells'
tap_test "batches.sweep: a grid" grid batches.sweep '36 runs, 12 cells'
tap_test "own_loss: the formula's temperature" says own_loss '^the pseudo-Huber loss feels a heat bath$'
tap_test "own_claim: holds, and its control fails" says own_claim '^the claim HOLDS, its control (2) FAILS$'
tap_test "own_training: learns, and keeps the best weights" says own_training '^best weights restored: .*, learned$'
tap_done
