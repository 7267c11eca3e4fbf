#!/usr/bin/env bash
# scripts/get-data against a mirror of our own (file://, and a loopback server where python3 is there): whole, cut
# off, corrupt, unknown.
. "$(dirname "$0")/tap.sh"

mirror=$tmp/mirror table=$tmp/sets.txt
mkdir -p "$mirror/pack"
head -c 200000 /dev/urandom >"$mirror/numbers.gz"
echo one >"$mirror/pack/a.bin"; echo two >"$mirror/pack/b.bin"
tar -czf "$mirror/pack.tar.gz" -C "$mirror" pack
row() { echo "$1 $2 $3 $(stat -c %s "$mirror/$2") $(sha256sum <"$mirror/$2" | cut -d' ' -f1) file://$tmp/nowhere file://$mirror"; }
{ echo '# a comment'; row plain numbers.gz -; row packed pack.tar.gz pack; } >"$table"

get() { scripts/get-data --table "$table" "$@" >"$tmp/out" 2>"$tmp/err"; }
said() { grep -q -- "$1" "$tmp/err" || { echo "stderr lacks '$1':"; cat "$tmp/err"; return 1; }; }
same() { cmp "$mirror/numbers.gz" "$1/plain/numbers.gz" && [ ! -e "$1/plain/numbers.gz.part" ]; }

second_mirror() { get --dir "$tmp/a" plain && same "$tmp/a"; }
nothing_again() { get --dir "$tmp/a" --base-url "file://$tmp/nowhere" plain && [ ! -s "$tmp/err" ]; }
archive() {
    get --dir "$tmp/a" packed && [ "$(cat "$tmp/a/pack/a.bin" "$tmp/a/pack/b.bin")" = $'one\ntwo' ] &&
        [ "$(ls -A "$tmp/a")" = $'pack\nplain' ]
}
resumed() {
    mkdir -p "$tmp/b/plain" && head -c 70000 "$mirror/numbers.gz" >"$tmp/b/plain/numbers.gz.part"
    get --dir "$tmp/b" --base-url "file://$mirror" plain && said resuming && same "$tmp/b"
}
resumed_wrong() { # what is there is not the beginning of the file: noticed, removed, fetched whole
    mkdir -p "$tmp/c/plain" && head -c 70000 /dev/zero >"$tmp/c/plain/numbers.gz.part"
    get --dir "$tmp/c" --base-url "file://$mirror" plain && said 'wrong SHA-256' && same "$tmp/c"
}
complete_part() {
    mkdir -p "$tmp/d/plain" && cp "$mirror/numbers.gz" "$tmp/d/plain/numbers.gz.part"
    get --dir "$tmp/d" --base-url "file://$tmp/nowhere" plain && same "$tmp/d"
}
corrupt() {
    mkdir -p "$tmp/bad" && { head -c 199999 "$mirror/numbers.gz"; printf x; } >"$tmp/bad/numbers.gz"
    cmp -s "$tmp/bad/numbers.gz" "$mirror/numbers.gz" && printf y >>"$tmp/bad/numbers.gz"
    ! get --dir "$tmp/e" --base-url "file://$tmp/bad" plain && said 'wrong SHA-256' && [ -z "$(ls -A "$tmp/e/plain")" ]
}
kept() { # an unreachable mirror leaves the part for another day
    mkdir -p "$tmp/f/plain" && head -c 70000 "$mirror/numbers.gz" >"$tmp/f/plain/numbers.gz.part"
    ! get --dir "$tmp/f" --base-url "file://$tmp/nowhere" plain && said 'kept' &&
        [ "$(stat -c %s "$tmp/f/plain/numbers.gz.part")" = 70000 ]
}
damaged_again() { # a damaged file in place is fetched anew
    echo damage >>"$tmp/a/plain/numbers.gz"
    get --dir "$tmp/a" plain && same "$tmp/a"
}
unknown() { get --dir "$tmp/g" nist; [ $? -eq 2 ] && said "unknown data set 'nist'; known: plain, packed" && [ ! -e "$tmp/g" ]; }
no_set() { get --dir "$tmp/g"; [ $? -eq 2 ] && said usage; }
each_told() { # one set that fails does not silence another that is there
    mkdir -p "$tmp/half" && cp "$mirror/pack.tar.gz" "$tmp/half/"
    ! get --dir "$tmp/i" --base-url "file://$tmp/half" plain packed && [ "$(cat "$tmp/out")" = "packed: ready in $tmp/i" ]
}
listed() { # the real table: four sets, every sum 64 hexadecimal digits
    awk '!/^#/ && NF {n[$1]++; if (NF < 6 || $5 !~ /^[0-9a-f]+$/ || length($5) != 64 || $4 + 0 < 1000) bad++}
         END {exit !(n["mnist"] == 4 && n["cifar10"] == 1 && n["cifar100"] == 1 && n["tiny-imagenet-200"] == 1 && !bad)}' \
        scripts/datasets.txt
}
loopback() { # no ranges here: a resumed download must fall back on the whole file
    python3 -m http.server --bind 127.0.0.1 --directory "$mirror" 0 >"$tmp/server" 2>&1 &
    local server=$! port= i rc
    for i in $(seq 100); do
        port=$(sed -n 's/.*port \([0-9]*\).*/\1/p' "$tmp/server")
        [ -n "$port" ] && break
        sleep 0.1
    done
    mkdir -p "$tmp/h/plain" && head -c 70000 "$mirror/numbers.gz" >"$tmp/h/plain/numbers.gz.part"
    no_proxy=127.0.0.1 get --dir "$tmp/h" --base-url "http://127.0.0.1:$port" plain packed && same "$tmp/h" && [ -d "$tmp/h/pack" ]
    rc=$?
    kill $server
    [ $rc -eq 0 ] || cat "$tmp/err"
    return $rc
}

tap_test "get-data: the second mirror when the first is gone" second_mirror
tap_test "get-data: nothing is fetched twice" nothing_again
tap_test "get-data: an archive is unpacked and its traces removed" archive
tap_test "get-data: a partial file is resumed" resumed
tap_test "get-data: a wrong partial file is noticed and fetched whole" resumed_wrong
tap_test "get-data: a partial file that is complete is taken" complete_part
tap_test "get-data: a corrupt file is refused and removed" corrupt
tap_test "get-data: the part is kept when no mirror answers" kept
tap_test "get-data: a damaged file in place is replaced" damaged_again
tap_test "get-data: an unknown set is refused, the known ones named" unknown
tap_test "get-data: no set is wrong usage" no_set
tap_test "get-data: each set is told of by itself" each_told
tap_test "get-data: the table of sets is well-formed" listed
command -v python3 >/dev/null && tap_test "get-data: from a server without ranges" loopback
tap_done
