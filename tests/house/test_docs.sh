#!/usr/bin/env bash
# The pages: links lead somewhere, pictures are small, the man page is clean, and nothing is promised that is not there.
. "$(dirname "$0")/tap.sh"

links() {
    local file target wrong=0
    while IFS=: read -r file target; do
        target=${target#](} target=${target%)} target=${target%%#*}
        case $target in '' | http://* | https://*) continue ;; esac
        [ -e "$(dirname "$file")/$target" ] || { echo "$file: no $target"; wrong=1; }
    done < <(grep -oE '\]\([^)]+\)' README.md docs/*.md examples/*.md docs/results/*.md /dev/null 2>/dev/null)
    return $wrong
}
pictures() { ! find docs -type f -size +200k | grep .; }
man_page() { ! command -v mandoc >/dev/null || [ -z "$(mandoc -Tlint -Wstyle docs/sgdlab.1 | grep -v mandoc.db)" ]; }
commands() { # every command the program has is in its man page, and the other way round
    local helped manned
    helped=$("$BUILD/sgdlab" --help | sed -n 's/^  \([a-z]\{1,\}\)  .*/\1/p' | sort)
    manned=$(sed -n '1,/^\.Sh OPTIONS/s/^\.It Cm \([a-z]*\).*/\1/p' docs/sgdlab.1 | sort)
    [ -n "$helped" ] && [ "$helped" = "$manned" ] || { echo "program: $helped"; echo "man page: $manned"; return 1; }
}
options() { # every option that a page or the man page gives to a command exists
    local command option wrong=0
    while read -r command option; do
        # not by a pipe: grep -q leaves early, and a long help then fails to be written
        grep -q -- "$option\b" <<<"$("$BUILD/sgdlab" "$command" --help)" || { echo "$command has no $option"; wrong=1; }
    done < <(cat README.md docs/*.md | sed -e ':a' -e '/\\$/N; s/\\\n//; ta' |
             grep -oE 'sgdlab (verify|simulate|operator|escape|robustness|train|measure|figure|list|schedule|sweep|bench) [^#`]*' |
             awk '{for (i = 3; i <= NF; i++) if ($i ~ /^--[a-z]/) print $2, $i}' | sort -u)
    return $wrong
}
manual() { # every option of every command is in the man page
    local command option n=0
    for command in $("$BUILD/sgdlab" --help | sed -n 's/^  \([a-z]\{1,\}\)  .*/\1/p'); do
        for option in $("$BUILD/sgdlab" "$command" --help | sed -n 's/^  --\([a-z-]*\) .*/\1/p'); do
            n=$((n + 1))
            grep -qE "Fl -$option( |$)" docs/sgdlab.1 || { echo "$command --$option is not in the man page"; return 1; }
        done
    done
    [ $n -gt 50 ]
}
named() { # named KIND PAGE: every name that the program lists is on the page
    local name n=0
    for name in $("$BUILD/sgdlab" list "$1" | sed -n 's/^  \([a-z][a-z0-9-]*\).*/\1/p'); do
        n=$((n + 1))
        grep -q "$name" "$2" || { echo "$name is not in $2"; return 1; }
    done
    [ $n -gt 0 ] || { echo "nothing listed"; return 1; }
}

held() { # the rows of claims name claims that there are, some without their last part
    local name known n=0
    known=$("$BUILD/sgdlab" list claims | sed -n 's/^  \([a-z][a-z0-9.-]*\) .*/\1/p')
    for name in $(sed -n 's/^| \(`[^|]*`\).*/\1/p' docs/claims.md | grep -oE '`[a-z][a-z0-9-]*\.[a-z0-9.-]+`' | tr -d '`'); do
        n=$((n + 1))
        grep -qE "^${name//./\\.}(\.|$)" <<<"$known" || { echo "docs/claims.md: there is no claim $name"; return 1; }
    done
    [ $n -gt 30 ]
}

shown() { # what the README shows of a command is what it prints, the speed aside
    local command=$1 expected said
    expected=$(awk -v c="    \$ sgdlab $command" '$0 == c {on = 1; next} on && !/^    / {exit} on {sub(/^    /, ""); print}' README.md)
    said=$(cd "$tmp" && eval "'$root/$BUILD/sgdlab' $command --quiet --no-save" 2>&1)
    diff <(sed 's/, [^,]* updates.s$//' <<<"$expected") <(sed 's/, [^,]* updates.s$//' <<<"$said")
}

tap_test "docs: links lead to files" links
tap_test "docs: the README's mistake is what it shows" shown "simulate --loss duoble-well"
tap_test "docs: the README's unstable simulation, too" shown "simulate --loss quadratic:a=1 --lr 0.1 --momentum 0.99 --schedule random:delta=1"
[ -n "$SAN" ] || # 10^8 updates
    tap_test "docs: the README's simulation, too" shown "simulate --loss quadratic:a=1 --lr 0.05 --momentum 0.9 --schedule random:delta=1"
tap_test "docs: no file above 200 kB" pictures
tap_test "docs: the man page is clean" man_page
tap_test "docs: the man page has the program's commands" commands
tap_test "docs: the options shown exist" options
tap_test "docs: the man page has every option" manual
tap_test "docs: every figure has its line" named figures docs/figures.md
tap_test "docs: claims are those that there are" held
tap_test "docs: every schedule has its place" named schedules docs/schedules.md
tap_test "docs: every regime has its place" named regimes docs/regimes.md
tap_test "docs: every loss is named" named losses docs/losses.md
tap_test "docs: every model of noise has its place" named noises docs/simulate.md
tap_test "docs: every data set is named" named datasets docs/data.md
tap_test "docs: every network is named" named models docs/networks.md
tap_test "docs: every layer is named" named layers docs/networks.md
tap_done
