#!/usr/bin/env bash
# Installs what is missing, builds what changed, checks the formatting and runs all tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source tools/setup.sh
ensure_packages --for-tests
build_native
check_format
export SPOS_NATIVE_DIR="$PWD/build/native/lib"
dotnet test Spos.sln -c Release --nologo --logger "console;verbosity=minimal"
