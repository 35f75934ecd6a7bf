#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# python.sh - the Python package against the library and the program that were built, without installing it.
cd "$(dirname "$0")/.." || exit 1
BIN=${BIN:-bin}
case $BIN in /*) ;; *) BIN=$PWD/$BIN ;; esac
python=/usr/bin/python3 # not one that a user's version manager puts first
[ -x $python ] || python=python3
output=$(VMM_LIBRARY=$BIN/libvmm.so VMM_PROGRAM=$BIN/vmm timeout 120 $python -B python/tests/test_vmm.py 2>&1) && exit 0
echo "$output"
exit 1
