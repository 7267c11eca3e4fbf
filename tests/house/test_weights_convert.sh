#!/usr/bin/env bash
# scripts/weights-convert: round trips through each format, sgdlab reads what it makes, --fill, and files that are none.
. "$(dirname "$0")/tap.sh"

lab=$root/$BUILD/sgdlab convert=$root/scripts/weights-convert
python=/usr/bin/python3
skip() { tap_n=$((tap_n + 1)); echo "ok $tap_n - $1 # SKIP $2"; }
if ! "$python" -c 'import numpy, h5py' 2>/dev/null; then
    skip "weights-convert" "python3-numpy or python3-h5py is not installed"
    tap_done
    exit
fi

train() { "$lab" train --data digits:train=200:test=50 --batch 50 --steps 4 --quiet --no-save "$@" >/dev/null; }
h5same() { # the same names, shapes and numbers
    "$python" - "$1" "$2" <<'P'
import sys, h5py, numpy as np
a, b = (h5py.File(p, "r") for p in sys.argv[1:])
assert sorted(a) == sorted(b), (sorted(a), sorted(b))
for k in a:
    assert a[k].shape == b[k].shape and a[k].dtype == b[k].dtype == "<f4" and np.array_equal(a[k][()], b[k][()]), k
P
}
start() { train --model resnet8:channels=4 --save "$tmp/a.h5"; }
safetensors() {
    "$convert" "$tmp/a.h5" "$tmp/a.safetensors" && "$convert" "$tmp/a.safetensors" "$tmp/b.h5" && h5same "$tmp/a.h5" "$tmp/b.h5"
}
again() { # training goes on from a converted file as from our own
    train --model resnet8:channels=4 --init "$tmp/a.h5" --save "$tmp/c.h5" &&
        train --model resnet8:channels=4 --init "$tmp/b.h5" --save "$tmp/d.h5" && cmp "$tmp/c.h5" "$tmp/d.h5"
}
halves() { # as others write them: half precision, bfloat16, a counter, metadata
    "$python" - "$tmp/h.safetensors" <<'P'
import json, struct, sys
import numpy as np
half, full = np.array([[1, -2.5, 0.125]], "<f2"), np.array([1, -2.5], "<f4")
upper = (full.view("<u4") >> 16).astype("<u2")
header = {"__metadata__": {"format": "pt"}, "module.w": {"dtype": "F16", "shape": [1, 3], "data_offsets": [0, 6]},
          "module.b": {"dtype": "BF16", "shape": [2], "data_offsets": [6, 10]},
          "module.bn.num_batches_tracked": {"dtype": "I64", "shape": [], "data_offsets": [10, 18]}}
text = json.dumps(header).encode()
open(sys.argv[1], "wb").write(struct.pack("<Q", len(text)) + text + half.tobytes() + upper.tobytes() + struct.pack("<q", 7))
P
    "$convert" "$tmp/h.safetensors" "$tmp/h.h5" && "$python" - "$tmp/h.h5" <<'P'
import sys, h5py
f = h5py.File(sys.argv[1], "r")
assert sorted(f) == ["b", "w"] and f["w"][()].tolist() == [[1, -2.5, 0.125]] and f["b"][()].tolist() == [1, -2.5]
P
}
filled() { # other classes: the last layer is that of the start
    train --model mlp:hidden=7 --save "$tmp/big.h5" && train --model mlp:hidden=7,5 --save "$tmp/start.h5" &&
        "$convert" "$tmp/big.h5" "$tmp/mixed.h5" --fill "$tmp/start.h5" 2>"$tmp/said" &&
        grep -q 'taken from the other file: 2.bias, 2.weight, 4.bias, 4.weight' "$tmp/said" &&
        train --model mlp:hidden=7,5 --init "$tmp/mixed.h5" --save "$tmp/out.h5" &&
        ! train --model mlp:hidden=7,5 --init "$tmp/big.h5" --save "$tmp/out.h5" 2>"$tmp/said" &&
        grep -q '4 data sets do not fit' "$tmp/said"
}
refused() { # refused FILE OUT WORDS: exit code not 0, one line, OUT not made
    ! "$convert" "$1" "$2" 2>"$tmp/said" && [ "$(wc -l <"$tmp/said")" = 1 ] && grep -q -- "$3" "$tmp/said" && [ ! -e "$2" ] ||
        { cat "$tmp/said"; return 1; }
}
broken() {
    head -c 100 "$tmp/a.safetensors" >"$tmp/cut.safetensors"; head -c 3 "$tmp/a.safetensors" >"$tmp/short.safetensors"
    head -c -5 "$tmp/a.safetensors" >"$tmp/tail.safetensors"; echo nothing >"$tmp/none.h5"
    refused "$tmp/cut.safetensors" "$tmp/x.h5" 'not a safetensors' && refused "$tmp/short.safetensors" "$tmp/x.h5" 'not a safetensors' &&
        refused "$tmp/tail.safetensors" "$tmp/x.h5" 'not a safetensors' && refused "$tmp/none.h5" "$tmp/x.pt" none.h5 &&
        refused "$tmp/absent.h5" "$tmp/x.safetensors" absent.h5 && refused "$tmp/a.h5" "$tmp/x.npz" 'ends in .pt' &&
        refused "$tmp/a.npz" "$tmp/x.h5" 'ends in .pt'
}
torch() {
    "$convert" "$tmp/a.h5" "$tmp/a.pt" && "$convert" "$tmp/a.pt" "$tmp/e.h5" && h5same "$tmp/a.h5" "$tmp/e.h5" || return 1
    "$python" - "$tmp" <<'P' # a network with a batch norm, saved as trainers do
import sys, torch
from torch import nn
torch.manual_seed(1)
net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10))
torch.save({"epoch": 3, "state_dict": net.state_dict()}, sys.argv[1] + "/net.pth")
P
    "$convert" "$tmp/net.pth" "$tmp/net.h5" && train --model "conv 3 3; bn; relu; globalavg; flatten; linear" --init "$tmp/net.h5" \
        --save "$tmp/trained.h5" && "$convert" "$tmp/trained.h5" "$tmp/trained.pt" && "$python" - "$tmp" <<'P'
import sys, torch
from torch import nn
net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10))
net.load_state_dict(torch.load(sys.argv[1] + "/trained.pt"), strict=False)
assert (net[1].running_var != 1).all()
P
}
no_torch() { # a whole network is no state_dict, and text is no file of PyTorch
    echo nothing >"$tmp/none.pt"
    "$python" -c 'import sys, torch; torch.save(torch.nn.Linear(2, 2), sys.argv[1])' "$tmp/whole.pt"
    refused "$tmp/none.pt" "$tmp/x.h5" 'not a file of PyTorch' && refused "$tmp/whole.pt" "$tmp/x.h5" 'whole.pt'
}

tap_test "weights-convert: weights to start from" start
tap_test "weights-convert: to safetensors and back" safetensors
tap_test "weights-convert: sgdlab trains on from what it makes" again
tap_test "weights-convert: half precision, bfloat16, counters, module." halves
tap_test "weights-convert: --fill, and the message without it" filled
tap_test "weights-convert: files that are none are refused in one line" broken
if "$python" -c 'import torch' 2>/dev/null; then
    tap_test "weights-convert: to PyTorch and back" torch
    tap_test "weights-convert: what PyTorch did not save as weights" no_torch
else
    skip "weights-convert: PyTorch" "python3-torch is not installed"
fi
tap_done
