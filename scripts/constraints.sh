#!/bin/sh
# Makes constraints.txt from what pip resolves today for `all`, `oracles` and `develop`, around the pinned torch.
#   sh scripts/constraints.sh [torch==VERSION]
set -eu
cd "$(dirname "$0")/.."
torch=${1:-$(grep '^torch==' constraints.txt 2>/dev/null || echo torch==2.13.0)}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(sh scripts/find-python.sh)
"$python" -m venv "$folder/environment"
bin=$folder/environment/bin
[ -d "$bin" ] || bin=$folder/environment/Scripts
"$bin/python" -m pip install --quiet "$torch"
"$bin/python" -m pip install --quiet --editable '.[all,oracles,develop]' "$torch"
{
    echo "# The versions that the tests ran with: \`all\`, \`oracles\` and \`develop\`, made by \`make constraints\` with"
    echo "# $("$bin/python" --version). Packages that only another system or Python needs are left to pip."
    # A build tag (torch==2.13.0+cpu) is a choice of the machine that made this file, not of the one that reads it.
    "$bin/python" -m pip freeze --exclude-editable | sed -e 's/+[A-Za-z0-9.]*$//' -e '/ @ /d' -e '/^nvidia-/d' -e '/^cuda-/d' -e '/^triton==/d'
} >"$folder/constraints.txt"
mv "$folder/constraints.txt" constraints.txt
echo "constraints.txt: $(grep -c == constraints.txt) packages"
