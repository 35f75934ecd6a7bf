#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# deps.sh GROUP... - makes sure that the Debian packages of these groups are there.
#
# root: installs what is missing, without a question. Anyone else: prints the one line to run, and fails.
# Packages that come with a service (redis, memcached) do not start it, and nothing else on the system changes.
set -eu

build="gcc make pkg-config libc6-dev linux-libc-dev libseccomp-dev libjansson-dev uthash-dev libxxhash-dev libzstd-dev nettle-dev liblz4-dev liburing-dev"
demo="sqlite3 python3"
check="libcmocka-dev sqlite3 python3 gcc binutils xz-utils perl coreutils procps util-linux"
apps="redis-server redis-tools nodejs memcached stress-ng memtester netcat-openbsd"
lint="clang-format clang-tidy"

wanted=
for group in "$@"; do
	case $group in
	build) wanted="$wanted $build" ;;
	demo) wanted="$wanted $demo" ;;
	check) wanted="$wanted $check" ;;
	apps) wanted="$wanted $apps" ;;
	lint) wanted="$wanted $lint" ;;
	*) echo "deps.sh: $group: no such group (build, demo, check, apps, lint)" >&2; exit 2 ;;
	esac
done

# Not Debian: nothing we could know about its packages; the compiler will say what is missing.
command -v dpkg-query >/dev/null || exit 0

missing=
for package in $wanted; do
	case " $missing " in *" $package "*) continue ;; esac
	dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "vmm: packages are missing; run: sudo apt-get install -y --no-install-recommends$missing" >&2
	exit 1
fi

echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive

# While this file exists, no package starts a service. One that is there already stays as it is.
policy=/usr/sbin/policy-rc.d
ours=
cleanup() { [ -z "$ours" ] || rm -f "$policy"; }
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e "$policy" ] && [ ! -L "$policy" ]; then
	ours=1
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

install() { apt-get install -y -q --no-install-recommends $missing </dev/null; }
log=$(mktemp)
if ! install >"$log" 2>&1 && ! { apt-get update -q </dev/null && install; } >"$log" 2>&1; then
	cat "$log" >&2
	rm -f "$log"
	echo "vmm: packages could not be installed: see above; the line was: apt-get install -y$missing" >&2
	exit 1
fi
rm -f "$log"
