#!/usr/bin/env bash
# Installs what is missing, builds what changed and runs all tests; then the tests of the ops again as the cuda device would run
# them, and on each other instruction set that this CPU has.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source tools/setup.sh
ensure_packages --with-doctest
build_native
build_native_tests
# Neither needs all cores, nor the other.
native_log="$(mktemp)"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -f "$native_log"' EXIT
run_native_tests >"$native_log" 2>&1 &
native_tests=$!
dotnet build Spos.sln -c Release --nologo -v quiet
wait "$native_tests" || { cat "$native_log"; exit 1; }
cat "$native_log"
dotnet test Spos.sln -c Release --nologo --no-build --logger "console;verbosity=minimal"

tests/field/run

if has_nvrtc; then
    echo "The cuda device on the checking driver:"
    SPOS_CHECKED_DEVICES=2 on_checking_driver dotnet test tests/Spos.Engine.Tests -c Release --nologo --no-build --logger "console;verbosity=minimal" \
        --filter "FullyQualifiedName~CheckingDriver|(FullyQualifiedName~.Ops.|FullyQualifiedName~.Supernet.|FullyQualifiedName~BatchStream|FullyQualifiedName~PictureBatch|FullyQualifiedName~NvJpeg|FullyQualifiedName~DeviceGraph|FullyQualifiedName~RepeatedWork|FullyQualifiedName~SeveralDevices)&DisplayName~cuda"
fi

for library in libnvrtc.so libcuda.so.1 libnppicc.so; do
    [[ $(ldconfig -p) == *"$library"* ]] || echo "Left out: the tests that need NVIDIA's $library, which is not installed."
done

# The tests above ran on the set that SPOS_CPU names, or on the best that this CPU has.
ran_on="${SPOS_CPU:-}"
for instruction_set in avx512 avx2 x86-64; do
    if ! SPOS_CPU=$instruction_set dotnet "$cli_dll" info >/dev/null 2>&1; then
        echo "Left out: the ops on $instruction_set, which this CPU does not have."
    elif [[ $instruction_set != "${ran_on:=$instruction_set}" ]]; then
        echo "The ops on $instruction_set:"
        SPOS_CPU=$instruction_set dotnet test tests/Spos.Engine.Tests -c Release --nologo --no-build \
            --filter "(FullyQualifiedName~.Ops.|FullyQualifiedName~.Data.)&DisplayName!~simt" --logger "console;verbosity=minimal"
    fi
done
