# Set-up of a checkout, sourced by the launcher and by the test runner. Everything goes below .cache/ and node_modules/;
# Debian packages are installed only as root, only where they are missing, and named first.
# Expects root, the checkout's folder. Sets NODE to a Node 24 binary and puts its folder first in PATH.
# shellcheck shell=sh disable=SC2086,SC2154 # lists of packages and optional arguments are split into words on purpose

node_version=24.21.0
npm_version=11.6.0

say() { printf 'k3s: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

# debian_packages COMMAND:PACKAGE... installs the packages whose command (or file, where it starts with /) is missing.
debian_packages() {
  missing=
  for pair in "$@"; do
    want=${pair%%:*}
    case $want in
      /*) [ -e "$want" ] && continue ;;
      *) PATH="$PATH:/usr/sbin:/sbin" command -v "$want" >/dev/null 2>&1 && continue ;;
    esac
    missing="$missing ${pair#*:}"
  done
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null 2>&1 || fail "these packages are missing and there is no apt-get to install them with:$missing"
  [ "$(id -u)" = 0 ] || fail "these Debian packages are missing:$missing. Run as root, or: sudo apt-get install$missing"
  say "installing Debian packages:$missing"
  apt_log=$root/.cache/apt.log
  mkdir -p "$root/.cache"
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } >"$apt_log" 2>&1 ||
    fail "apt-get could not install$missing; its output is in $apt_log"
}

runtime_packages() {
  debian_packages nft:nftables iptables:iptables ip:iproute2 conntrack:conntrack modprobe:kmod mount:mount nsenter:util-linux
}

# What building the components needs.
setup_build() {
  setup_go
  debian_packages gcc:gcc /usr/include/stdio.h:libc6-dev /usr/include/seccomp.h:libseccomp-dev pkg-config:pkg-config
}

go_version=1.26.8

# setup_go: a Go that is new enough to fetch the pinned toolchain itself (1.21 and later do), else that toolchain as the Go module
# it is published as, fetched by the distribution's old Go.
setup_go() {
  command -v go >/dev/null 2>&1 || { [ ! -x /usr/local/go/bin/go ] || PATH=$PATH:/usr/local/go/bin; }
  command -v go >/dev/null 2>&1 || debian_packages go:golang-go
  case $(go version) in
    *go1.2[1-9]*|*go1.[3-9][0-9]*) return 0 ;;
  esac
  case $(uname -m) in x86_64) arch=amd64 ;; *) arch=arm64 ;; esac
  module=golang.org/toolchain@v0.0.1-go$go_version.linux-$arch
  toolchain=$(go env GOMODCACHE)/$module
  if [ ! -x "$toolchain/bin/go" ]; then
    say "installing Go $go_version"
    (cd "$root/.cache" && go mod download "$module" >&2) || fail "the Go module $module could not be fetched"
    # A module's files are neither executable nor writable.
    chmod -R u+w "$toolchain/bin" "$toolchain/pkg/tool"
    find "$toolchain/bin" "$toolchain/pkg/tool" -type f -exec chmod +x {} +
  fi
  PATH=$toolchain/bin:$PATH
  export PATH
}

find_node() {
  for candidate in "${K3S_NODE:-}" "$root/.cache/node/node_modules/.bin/node" "$(command -v node 2>/dev/null)"; do
    [ -x "$candidate" ] || continue
    case $("$candidate" --version 2>/dev/null) in v2[4-9].*|v[3-9][0-9].*) NODE=$candidate; return 0 ;; esac
  done
  return 1
}

setup_node() {
  if ! find_node; then
    command -v npm >/dev/null 2>&1 || debian_packages npm:npm
    case $(uname -m) in
      x86_64) arch=x64 ;;
      aarch64) arch=arm64 ;;
      *) fail "there is no Node 24 package for $(uname -m)" ;;
    esac
    say "installing Node $node_version"
    run_npm npm install --no-save --prefix "$root/.cache/node" "node-linux-$arch@$node_version"
    find_node || fail "the installed Node $node_version does not run on this machine"
  fi
  NODE=$(readlink -f "$NODE")
  PATH=$(dirname "$NODE"):$PATH
  export NODE PATH
}

# run_npm NPM ARGUMENT... keeps what it says in a file, and names that where it fails.
run_npm() {
  npm_log=$root/.cache/npm.log
  mkdir -p "$root/.cache"
  "$@" --no-audit --no-fund >"$npm_log" 2>&1 || {
    grep -m 3 '^npm error' "$npm_log" >&2 || :
    fail "$(basename "$1") $2 failed; its output is in $npm_log"
  }
}

# The pinned npm, whatever the machine's own is: releases differ in which lock files they accept.
setup_npm() {
  npm=$root/.cache/npm/node_modules/.bin/npm
  [ "$("$npm" --version 2>/dev/null)" = "$npm_version" ] && return 0
  command -v npm >/dev/null 2>&1 || debian_packages npm:npm
  run_npm npm install --no-save --prefix "$root/.cache/npm" "npm@$npm_version"
}

# setup_packages [--omit=dev]: node_modules as package-lock.json says. A complete tree also serves those who asked for less, and a
# tree that somebody else made is replaced by a complete one.
setup_packages() {
  lock=$(cksum <"$root/package-lock.json" | tr ' ' '-')
  [ -e "$root/node_modules/.k3s-$lock" ] && return 0
  [ -n "${1:-}" ] && [ -e "$root/node_modules/.k3s-$lock$1" ] && return 0
  [ -e "$root/node_modules" ] && set --
  say "installing npm packages"
  setup_npm
  (cd "$root" && run_npm "$npm" ci --ignore-scripts ${1:-}) || exit 1
  : >"$root/node_modules/.k3s-$lock${1:-}"
}
