#!/bin/sh
# Prints the first Python that can make the environment: the one named in PYTHON, else the usual names.
# 3.11 comes first because constraints.txt was made with it; 3.12 and later are used where it is missing.
set -u
for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        echo "$candidate"
        exit 0
    fi
done
cat >&2 <<MESSAGE
no Python that can make the environment was found
  expected: Python 3.11 or newer with its modules venv and ensurepip (Debian, Ubuntu: the package python3-venv)
  received: ${PYTHON:-none of python3.11, python3.12, python3.13, python3, python is one}
  to fix:   install Python 3.11 or newer, or name one: make install PYTHON=/path/to/python3
MESSAGE
exit 1
