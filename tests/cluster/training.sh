# What the tests of this folder share: a small training, how it is started, watched and stopped, and how its bytes are compared. It is
# sourced in the folder of the checkout.
root=$PWD
spos=(dotnet "${SPOS_PROGRAM:-$root/src/Spos.Cli/bin/Release/net10.0/spos.dll}")
export SPOS_NATIVE_DIR="${SPOS_NATIVE_DIR:-$root/build/native/lib}" SPOS_DEVICE=host
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
folder="$(mktemp -d)"
running=""
trap '[[ -z $running ]] || kill -9 "$running" 2>/dev/null || true; rm -rf "$folder"' EXIT

# Open MPI's mpirun, unless a test has another one.
launcher=(mpirun --oversubscribe --bind-to none)

fail() { echo "${0#"$root"/}: $*" >&2; [[ ! -e $folder/log ]] || tail -n 30 "$folder/log" >&2; exit 1; }
said() { grep -qF -- "$1" "$folder/log" || fail "it did not say: $1"; }

tiny=(--imagenet-dir tests/fixtures/phases/pictures --workers 1 --batch-size 16 --shards 8 --learning-rate 0.05 --epochs 100
    --image-size 32 --stem-channels 8 --stage-repeats 1,2,1,1 --stage-channels 16,24,32,48 --last-channels 24)
supernet=(supernet "${tiny[@]}" --held-out 0 --random-paths 4)
scratch=(scratch "${tiny[@]}" --architecture "0 1 2 3 0" --ema-decay 0.9 --mixup 0.2 --random-erasing 0.25 --val-frequency 40)

# start PROCESSES OUT COMMAND...: in the background, its output in the log. With 0 processes there is no mpirun.
start() {
    local launch=()
    (($1 == 0)) || launch=("${launcher[@]}" -n "$1")
    "${launch[@]}" "${spos[@]}" "${@:3}" --output-dir "$2" >"$folder/log" 2>&1 &
    running=$!
}

# finish CODE: the code that it ends with, or - for any but 0.
finish() {
    local code=0
    wait "$running" 2>/dev/null || code=$?
    running=""
    if [[ $1 == - ]]; then ((code != 0)) || fail "it ended as if nothing had happened"
    else ((code == $1)) || fail "it ended with $code, not $1"; fi
}

bits() { (cd "$1" && sha256sum checkpoint-*.spos metrics.jsonl); }
same() { [[ "$(bits "$1")" == "$(bits "$2")" ]] || fail "$3: other bytes"; echo "  $3: the same bytes"; }

# The processes that mpirun has started, the first one first.
ranks() {
    local pid
    for pid in $(pgrep -P "$running"); do
        echo "$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^OMPI_COMM_WORLD_RANK=//p') $pid"
    done | sort -n | awk '{ print $2 }'
}

# begun OUT: waits until a few steps are done.
begun() {
    local i
    for ((i = 0; i < 600; i++)); do
        [[ ! -e $1/metrics.jsonl ]] || (($(wc -l <"$1/metrics.jsonl") < ${2:-2})) || return 0
        kill -0 "$running" 2>/dev/null || fail "it ended before it was meant to"
        sleep 0.05
    done
    fail "it does not begin"
}

# gone PID...: none of these is left within ten seconds.
gone() {
    local pid i
    for pid in "$@"; do
        for ((i = 0; i < 100; i++)); do kill -0 "$pid" 2>/dev/null || continue 2; sleep 0.1; done
        fail "process $pid is left over"
    done
}

# train PROCESSES OUT COMMAND...
train() { start "$@"; finish 0; }

# Has what connects processes built by MPICH's compiler, in the place of that which the checkout has.
use_mpich() {
    mkdir "$folder/native"
    ln -s "$SPOS_NATIVE_DIR"/* "$folder/native"
    rm -f "$folder/native/libspos_mpi.so"
    mpicc.mpich -std=c11 -O2 -shared -fPIC -fvisibility=hidden native/mpi/mpi.c -o "$folder/native/libspos_mpi.so"
    export SPOS_NATIVE_DIR="$folder/native"
}
