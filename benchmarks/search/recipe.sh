# Sourced by the programs beside it: how they train, search and read results on a data set of small pictures such as MNIST-M.
# Before it, `data` is the data set. SPOS says what runs a verb (./spos without it).
seeds=(42 1 2)
read -ra spos <<<"${SPOS:-./spos}"
recipe=(--imagenet-dir "$data" --init aligned --warmup-steps 100 --crop-min-area 0.6 --flip 0 --batch-size 64 --learning-rate 0.1)
network=(--image-size 64 --stage-repeats 2,2,4,2 --stage-channels 32,80,160,320 --last-channels 512)

# train_supernet SEED EPOCHS FOLDER [OPTION...]
train_supernet() {
    "${spos[@]}" supernet "${recipe[@]}" "${network[@]}" --seed "$1" --paths-per-step 4 --epochs "$2" --held-out 0.1 \
        --output-dir "$3" "${@:4}"
}

# search_supernet SUPERNET SEED GENERATIONS FOLDER [OPTION...]
search_supernet() {
    "${spos[@]}" search --imagenet-dir "$data" --checkpoint "$1" --seed "$2" --max-epochs "$3" --train-iters 8 --output-dir "$4" "${@:5}"
}

# train_found SEARCH EPOCHS FOLDER [OPTION...]: from scratch.
train_found() {
    "${spos[@]}" scratch "${recipe[@]}" "${network[@]}" --architecture "$1/architecture_final.json" --epochs "$2" --lr-decay cosine \
        --output-dir "$3" "${@:4}"
}

# value FOLDER FIELD: a number of a result.json.
value() { sed -n "s/^ *\"$2\": \([0-9.eE+-]*\),\{0,1\}$/\1/p" "$1/result.json"; }
