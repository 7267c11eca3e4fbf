#!/usr/bin/env bash
# A training on real CIFAR-10, killed with -9 at random times and resumed, leaves the same bytes as one that was left
# alone: weights, train.dat, checkpoints. On one core and on two, of one seed and of two side by side.
#
# usage: tests/slow/kill_resume.sh SGDLAB DATA_DIR [KILLS [SEED]]      DATA_DIR holds cifar10/; 10 kills for each of one
# and two seeds; SEED: of the times. Exit 1 if a byte differs. Minutes, so not part of `make check`.
set -u
[ $# -ge 2 ] || { sed -n '5,6s/^# //p' "$0" >&2; exit 2; }
lab=$1 data=$2 kills=${3:-10}
RANDOM=${4:-1}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
training=(train --model resnet:depth=8:channels=8 --data cifar10:train=3000:test=500 --data-dir "$data" --batch 64
    --augment crop=4,flip --epochs 3 --quiet)

seconds() { date +%s.%N; }
uniform() { awk -v r=$RANDOM -v most="$1" 'BEGIN {printf "%.3f", most * r / 32768}'; }

# same STRAIGHT BROKEN: every file of the two that holds results, and nothing left over beside them.
same() {
    local file n=0
    for file in "$1"/*.h5 "$1"/*.dat; do
        cmp "$file" "$2/${file##*/}" || return 1
        n=$((n + 1))
    done
    [ $n -ge 3 ] && [ -z "$(find "$2" -name '*.tmp')" ]
}

# broken STRAIGHT BROKEN SECONDS OPTION..: a run that takes so long, killed again and again, on cores that change. One
# that gets to its end is compared and begun again, until there were enough kills.
broken() {
    local straight=$1 dir=$2 most=$3 killed=0 ended=0 run
    shift 3
    while :; do
        "$lab" "${training[@]}" "$@" --threads $((1 + RANDOM % 2)) --checkpoint-minutes 0.001 --out "$dir" \
            --save "$dir/weights.h5" --resume >/dev/null &
        run=$!
        [ $killed -ge "$kills" ] || { sleep "$(uniform "$most")"; kill -9 $run 2>/dev/null; }
        wait $run 2>/dev/null
        case $? in
        137) killed=$((killed + 1)) ;;
        0) ended=$((ended + 1))
           same "$straight" "$dir" || return 1
           [ $killed -lt "$kills" ] || break
           rm -rf "$dir" ;;
        *) echo "the run failed"; return 1 ;;
        esac
    done
    echo "killed $killed times, $ended runs came to their end with the same bytes"
}

for seeds in 1 2; do
    straight=$tmp/straight-$seeds
    mkdir "$tmp/weights-$seeds"
    begin=$(seconds)
    "$lab" "${training[@]}" --seeds $seeds --threads 1 --out "$straight" --save "$tmp/weights-$seeds/weights.h5" \
        >/dev/null || exit 1
    took=$(awk -v a="$begin" -v b="$(seconds)" 'BEGIN {print b - a}')
    mv "$tmp/weights-$seeds"/*.h5 "$straight"
    echo "seeds $seeds: $took s without a break"
    broken "$straight" "$tmp/broken-$seeds" "$took" --seeds $seeds || { echo "seeds $seeds: FAILED"; exit 1; }
done
