#!/usr/bin/env bash
# The floors of the house: which room may include headers of which. From the top: cli; claims; theory, sim, nets
# and plots side by side; optim; base. A prediction in theory/ can therefore not borrow from a simulation.
. "$(dirname "$0")/tap.sh"

declare -A may=(
    [base]="base"
    [optim]="base optim"
    [theory]="base optim theory"
    [sim]="base optim sim"
    [nets]="base optim nets"
    [plots]="base plots"
    [claims]="base optim theory sim nets plots claims"
    [cli]="base optim theory sim nets plots claims cli"
)

# Prints and fails for every #include "..." in room $2 of the house at $1 that it may not have, or that leads nowhere.
check_room() (
    cd "$1" || exit 1
    wrong=0
    while IFS=: read -r file line include; do
        header=$(sed 's/.*"\(.*\)".*/\1/' <<<"$include")
        [ -e "$header" ] || { echo "$file:$line: there is no $header under the root"; wrong=1; }
        case " ${may[$2]} " in
        *" ${header%%/*} "*) ;;
        *) echo "$file:$line: $2/ may not include $header"; wrong=1 ;;
        esac
    done < <(grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$2")
    exit $wrong
)

for room in base optim theory sim nets plots claims cli; do
    tap_test "floors: $room includes only: ${may[$room]}" check_room "$root" "$room"
done

# Control: the check must see what is planted.
mkdir -p "$tmp/theory" "$tmp/sim" "$tmp/nets" "$tmp/base" "$tmp/claims"
touch "$tmp/sim/ensemble.h" "$tmp/nets/model.h" "$tmp/claims/claim.h" "$tmp/base/status.h"
echo '#include "sim/ensemble.h"' > "$tmp/theory/borrowed.c"
echo '  # include "nets/model.h"' > "$tmp/sim/neighbour.c"
echo '#include "claims/claim.h"' > "$tmp/base/upward.h"
echo '#include "base/absent.h"' > "$tmp/nets/nowhere.c"
printf '#include <math.h>\n#include "base/status.h"\n' > "$tmp/claims/fine.c"
refuses() { ! check_room "$tmp" "$1"; }
for room in theory sim base nets; do tap_test "floors: a planted fault in $room is seen" refuses "$room"; done
tap_test "floors: what is allowed passes" check_room "$tmp" claims
tap_done
