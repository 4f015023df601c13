#!/usr/bin/env bash
# Installs what is missing, builds what changed and runs all tests; then the tests of the ops again as the cuda device would run
# them, and on each other instruction set that this CPU has.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source tools/setup.sh
ensure_packages --with-doctest --with-mpi
# Compilers wait, for packages and for each other, and one test of the native ones takes one core for long: so the managed build
# goes on beside the native ones, and the native tests beside the managed ones.
managed_log="$(mktemp)"
native_log="$(mktemp)"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -f "$managed_log" "$native_log"' EXIT
dotnet build Spos.sln -c Release --nologo -v quiet >"$managed_log" 2>&1 &
managed_build=$!
build_native
build_native_tests
wait "$managed_build" || { cat "$managed_log"; exit 1; }
cat "$managed_log"
run_native_tests >"$native_log" 2>&1 &
native_tests=$!
dotnet test Spos.sln -c Release --nologo --no-build --logger "console;verbosity=minimal"
wait "$native_tests" || { cat "$native_log"; exit 1; }
cat "$native_log"

tests/field/run
tests/workers/run

# More processes than cores are slow with other MPIs, which wait without giving way.
if [[ $(mpirun --version 2>/dev/null) == *"Open MPI"* ]]; then tests/cluster/run
else echo "Left out: training by several processes, for mpirun is not Open MPI's."; fi

if has_nvrtc; then
    echo "The cuda device on the checking driver:"
    SPOS_CHECKED_DEVICES=2 on_checking_driver dotnet test tests/Spos.Engine.Tests -c Release --nologo --no-build --logger "console;verbosity=minimal" \
        --filter "FullyQualifiedName~CheckingDriver|(FullyQualifiedName~.Ops.|FullyQualifiedName~.Supernet.|FullyQualifiedName~BatchStream|FullyQualifiedName~PictureBatch|FullyQualifiedName~NvJpeg|FullyQualifiedName~DeviceGraph|FullyQualifiedName~RepeatedWork|FullyQualifiedName~SeveralDevices)&DisplayName~cuda"
fi

for library in libnvrtc.so libcuda.so.1 libnppicc.so; do
    [[ $(ldconfig -p) == *"$library"* ]] || echo "Left out: the tests that need NVIDIA's $library, which is not installed."
done

# run_ops NAME VARIABLE=VALUE...: the ops as these variables have them.
run_ops() {
    local ops_log failed=0
    ops_log="$(env "${@:2}" dotnet test tests/Spos.Engine.Tests -c Release --nologo --no-build \
        --filter "(FullyQualifiedName~.Ops.|FullyQualifiedName~.Data.)&DisplayName!~simt" --logger "console;verbosity=minimal" 2>&1)" || failed=1
    echo "The ops on $1:"$'\n'"$ops_log"
    return $failed
}

# The tests above ran on the set that SPOS_CPU names, or on the best that this CPU has. The others go side by side, since most of
# their time is the start of programs.
ran_on="${SPOS_CPU:-}"
on_other_sets=()
for instruction_set in avx512 avx2 x86-64; do
    if ! SPOS_CPU=$instruction_set dotnet "$cli_dll" info >/dev/null 2>&1; then
        echo "Left out: the ops on $instruction_set, which this CPU does not have."
    elif [[ $instruction_set != "${ran_on:=$instruction_set}" ]]; then
        run_ops "$instruction_set" "SPOS_CPU=$instruction_set" &
        on_other_sets+=($!)
    fi
done
# Its own products of bf16 leave the bits that multiply-adds do (native/kernels/host/gemm_bf16.h).
if grep -qw avx512_bf16 /proc/cpuinfo; then
    run_ops "avx512 without its products of bf16" SPOS_CPU=avx512 SPOS_NO_BF16=1 &
    on_other_sets+=($!)
fi
for tests in "${on_other_sets[@]}"; do wait "$tests"; done
