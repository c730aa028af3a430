#!/bin/sh
# Puts vLLM into .venv-vllm beside this checkout: the CUDA form where an NVIDIA GPU answers, the CPU form elsewhere.
# Does nothing when that form, from the same requirements, is already there. `ops/setup-vllm.sh cpu|gpu` chooses by hand.
set -eu
cd "$(dirname "$0")/.."

form=${1:-}
if [ -z "$form" ]; then
    if command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L >/dev/null 2>&1; then form=gpu; else form=cpu; fi
fi
case $form in
    cpu) size="about 610 MB to download, 2.4 GB on disk" ;;
    gpu) size="about 4 GB to download, more than twice that on disk" ;;
    *) echo "setup-vllm: '$form' is neither cpu nor gpu." >&2; exit 2 ;;
esac

env=.venv-vllm
requirements=ops/requirements/vllm-$form.txt
stamp="$form $(sha256sum "$requirements" | cut -d ' ' -f 1)"
if [ -x $env/bin/python ] && [ "$(cat $env/stamp 2>/dev/null)" = "$stamp" ]; then exit 0; fi

uv=.venv/bin/uv
[ -x $uv ] || uv=$(command -v uv) || { echo "setup-vllm: uv is missing; run 'make up' or 'make test' first." >&2; exit 1; }
echo "vLLM ($form) into $env: $(grep -c == "$requirements") packages, $size. This is done once."
export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
$uv venv --quiet --clear --python 3.11 $env
set -- pip sync --quiet --python $env/bin/python --require-hashes "$requirements"
if [ "$form" = gpu ]; then
    $uv "$@"
elif [ -n "${PIP_FIND_LINKS:-}" ]; then
    $uv "$@" --find-links "$PIP_FIND_LINKS"
else
    $uv "$@" --torch-backend cpu
fi
$env/bin/python -m compileall -q -j 0 $env/lib >/dev/null 2>&1 || true # saves half a minute at the first start
echo "$stamp" >$env/stamp
echo "vLLM ($form) is ready: $(du -sh $env | cut -f 1) on disk."
