#!/usr/bin/env bash
# The same bytes come out of one core and of two, in one go and killed with -9 on the way: data and weights; of a small
# network with batch norm on varied pictures too, killed at any time, most often within an epoch.
. "$(dirname "$0")/tap.sh"

lab=$BUILD/sgdlab
epochs=$([ -n "$SAN" ] && echo 20 || echo 80)
training=(train --data digits:train=2000:test=200 --batch 50 --schedule random:delta=1 --epochs "$epochs"
    --seeds 2 --quiet)

reference() { "$lab" "${training[@]}" --jobs 1 --out "$tmp/whole" --save "$tmp/whole.h5"; }

# Kills a run that has got $1 epochs of seed 2 further than where it began, which its checkpoint's bytes tell.
kill_after() {
    local i before now
    before=$(cksum <"$tmp/cut/checkpoint-2.h5" 2>/dev/null)
    "$lab" "${training[@]}" --jobs 2 --out "$tmp/cut" --save "$tmp/cut.h5" &
    for i in $(seq "$1"); do
        while now=$(cksum <"$tmp/cut/checkpoint-2.h5" 2>/dev/null); [ "$now" = "$before" ]; do
            kill -0 $! 2>/dev/null || { echo "it ended before it could be killed"; return 1; }
        done
        before=$now
    done
    kill -9 $!
    wait $! 2>/dev/null
    [ $? -eq 137 ] || { echo "it was not killed"; return 1; }
}
killed() { # at the beginning, twice close together, and in between
    local n
    for n in 1 3 1 2 1; do kill_after "$n" || return 1; done
    grep -q '"status":.*"running"' "$tmp/cut/manifest.json"
}
resumed() {
    "$lab" "${training[@]}" --jobs 2 --out "$tmp/cut" --save "$tmp/cut.h5" --resume || return 1
    cmp "$tmp/whole/train.dat" "$tmp/cut/train.dat" && cmp "$tmp/whole-1.h5" "$tmp/cut-1.h5" &&
        cmp "$tmp/whole-2.h5" "$tmp/cut-2.h5" && [ -z "$(find "$tmp/cut" -name '*.tmp')" ]
}
differs() { # the comparison can fail: another seed gives other bytes
    "$lab" "${training[@]}" --seed 3 --no-save --save "$tmp/other.h5" && ! cmp -s "$tmp/whole-1.h5" "$tmp/other-3.h5"
}

normed=(train --model "conv 6 3 pad=1; bn; relu; maxpool 2; conv 8 3; bn; relu; globalavg; linear"
    --data digits:train=2000:test=200 --batch 20 --lr 0.02 --schedule cosine --augment crop=2,flip
    --label-smoothing 0.1 --epochs "$([ -n "$SAN" ] && echo 2 || echo 4)" --quiet)

normed_reference() { "$lab" "${normed[@]}" --threads 1 --out "$tmp/straight" --save "$tmp/straight.h5"; }

# Ten kills at random times after the start, with a checkpoint after every step.
normed_killed() {
    local i killed=0
    for i in $(seq 10); do
        "$lab" "${normed[@]}" --threads $((1 + i % 3)) --checkpoint-minutes 1e-9 --out "$tmp/broken" &
        sleep "$(awk -v i="$i" -v r="$RANDOM" 'BEGIN {printf "%.3f", 0.03 + 0.02 * i * r / 32768}')"
        kill -9 $! 2>/dev/null
        wait $! 2>/dev/null
        [ $? -eq 137 ] && killed=$((killed + 1))
    done
    [ $killed -ge 5 ] || { echo "killed $killed times only"; return 1; }
}
normed_resumed() {
    "$lab" "${normed[@]}" --threads 2 --out "$tmp/broken" --save "$tmp/broken.h5" --resume || return 1
    cmp "$tmp/straight/train.dat" "$tmp/broken/train.dat" && cmp "$tmp/straight.h5" "$tmp/broken.h5" &&
        cmp "$tmp/straight/checkpoint.h5" "$tmp/broken/checkpoint.h5" && [ -z "$(find "$tmp/broken" -name '*.tmp')" ]
}

# same_of JOBS.. COMMAND: its .dat files with --jobs 1 and with --jobs 2.
same() {
    local name=$1 jobs file n=0
    shift
    for jobs in 1 2; do "$lab" "$@" --quiet --jobs $jobs --out "$tmp/$name-$jobs" >/dev/null || return 1; done
    while read -r file; do
        n=$((n + 1))
        cmp "$file" "$tmp/$name-2/${file#"$tmp/$name-1/"}" || return 1
    done < <(find "$tmp/$name-1" -name '*.dat')
    [ $n -ge 1 ] || { echo "no .dat"; return 1; }
}

tap_test "resume: a training in one go, one core" reference
tap_test "resume: killed five times, two cores" killed
tap_test "resume: data and weights are the same bytes" resumed
tap_test "resume: control, another seed has other weights" differs
tap_test "resume: batch norm and augmentation, in one go, one core" normed_reference
tap_test "resume: killed ten times at random, one to three cores" normed_killed
tap_test "resume: data, weights and checkpoint are the same bytes" normed_resumed
# Two regimes, one that keeps vectors by layer and one in the middle of an episode, killed and resumed.
regimes() {
    local regime i
    for regime in layer-wise auto:episode=7; do
        local command=(train --data digits:train=2000:test=200 --batch 50 --regime "$regime" --rule heavy-ball --quiet
            --epochs "$([ -n "$SAN" ] && echo 2 || echo 10)" --checkpoint-minutes 1e-9)
        "$lab" "${command[@]}" --out "$tmp/r-$regime" || return 1
        for i in 1 2 3 4; do
            "$lab" "${command[@]}" --threads $((1 + i % 2)) --out "$tmp/rk-$regime" &
            sleep 0.$((i + 1))
            kill -9 $! 2>/dev/null
            wait $! 2>/dev/null
        done
        "$lab" "${command[@]}" --out "$tmp/rk-$regime" || return 1
        cmp "$tmp/r-$regime/train.dat" "$tmp/rk-$regime/train.dat" &&
            cmp "$tmp/r-$regime/checkpoint.h5" "$tmp/rk-$regime/checkpoint.h5" || return 1
    done
}
tap_test "resume: regimes killed and resumed, the same bytes" regimes
tap_test "jobs: simulate's data of a regime are the same bytes" same regime simulate --loss double-well --rule plain \
    --regime secant-long --replicas 5000 --steps 200 --burn-in 100 --series 50
tap_test "jobs: simulate's data are the same bytes" same simulate simulate --loss double-well --lr 0.05 --momentum 0.9 \
    --schedule random:delta=1 --replicas 5000 --steps 300 --burn-in 100 --series 50
tap_test "jobs: a figure's data are the same bytes" same figure figure boltzmann --scale quick
tap_done
