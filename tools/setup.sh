#!/bin/bash
# Installs what is missing from Debian: setup.sh [--for test]. Safe to repeat.
# Without an option: what building and `tpwallet demo` need. `--for test` adds the test
# framework, the second compiler, the checkers and the real servers that the tests talk to.
set -euo pipefail

packages=(
    gcc libc6-dev make cmake ninja-build pkg-config python3 python3-yaml
    libsqlite3-dev libmicrohttpd-dev libgnutls28-dev libssl-dev libcurl4-openssl-dev
    libxxhash-dev nettle-dev libsodium-dev
    libpq-dev librdkafka-dev libhiredis-dev libmariadb-dev
)
packages_test=(
    libcmocka-dev libjansson-dev git
    clang-14 clang-tidy-14 clang-format-14 libclang-rt-14-dev llvm-14 shellcheck gdb
    curl openssl sqlite3 sslscan prometheus
    postgresql redis-server mariadb-server memcached default-jre-headless maven patroni etcd-server etcd-client
)

case "$*" in
    "") ;;
    "--for test") packages+=("${packages_test[@]}") ;;
    *)
        echo "usage: setup.sh [--for test]" >&2
        exit 2
        ;;
esac

missing=()
for package in "${packages[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
    echo "setup: ${#packages[@]} packages, nothing missing"
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
        echo "setup: missing, and neither root nor sudo to install them: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo -n)
fi
echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=400)
"${apt[@]}" update -qq </dev/null
"${apt[@]}" install -y -qq --no-install-recommends "${missing[@]}" </dev/null
echo "setup: done"
