#!/bin/sh
# The path of a new user, timed: clone, install, `make demo`, a model of one's own table, a prediction.
#   sh scripts/new_user.sh [REPOSITORY]      NEURARIUM_VENV=FOLDER uses an environment that is there (no installation)
set -eu
source=${1:-$(git rev-parse --show-toplevel)}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
began=$(date +%s)
told() { now=$(date +%s); echo "$1: $((now - began)) s"; began=$now; }

git clone --quiet "$source" "$place/neurarium"
cd "$place/neurarium"
told "clone"
if [ -n "${NEURARIUM_VENV:-}" ]; then
	bin=$NEURARIUM_VENV/bin
	PYTHONPATH=$PWD/src && export PYTHONPATH
	"$bin/python" -m neurarium --version
else
	make --silent install
	bin=$PWD/.venv/bin
fi
told "download and installation"
"$bin/python" -m neurarium train digits --out runs/demo --quiet
"$bin/python" -m neurarium evaluate runs/demo --quiet
told "the demonstration"
cat > make.py <<'END'
import random
random.seed(0)
rows = [(random.gauss(size, 1), random.choice("rgb"), ("small", "large")[size > 0]) for size in (0, 3) * 150]
print("width,color,kind", *(f"{width:.2f},{color},{kind}" for width, color, kind in rows), sep="\n")
END
"$bin/python" make.py > own.csv
"$bin/python" -m neurarium train own.csv --target kind --quiet
told "the first own model"
head -4 own.csv | cut -d, -f1,2 > new.csv
"$bin/python" -m neurarium predict runs/own-1 --input new.csv
told "the prediction"
