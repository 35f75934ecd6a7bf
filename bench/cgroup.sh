# SPDX-License-Identifier: Apache-2.0
# A control group of our own for each measured program: what all its processes use, and a limit where one is wanted.
#
#   cg_available        0 when we may make groups with a memory controller; else says why not
#   cg_begin [BYTES]    a new group, with a memory limit
#   cg_exec COMMAND...  becomes COMMAND inside the group (call it in a subshell)
#   cg_cpu_ns           CPU time of the group so far; cg_peak_bytes: most memory; cg_limit BYTES
#   cg_end              ends what still runs in the group and removes it
#
# Version 1 (separate memory and cpuacct hierarchies) and version 2 are handled; nothing outside our own group changes, but
# that the memory controller is enabled below the root of version 2 when it was not, until cg_restore.
CG_NAME=vmm-bench.$$
CG_MEMORY='' CG_CPU='' CG_VERSION='' CG_ENABLED=''

cg_mount() { # VERSION-1 CONTROLLER, or cgroup2
	awk -v want="$1" '
		want == "cgroup2" && $3 == "cgroup2" { print $2; exit }
		want != "cgroup2" && $3 == "cgroup" { n = split($4, o, ","); for (i = 1; i <= n; i++) if (o[i] == want) { print $2; exit } }
	' /proc/mounts
}

cg_available() {
	local root
	[ -z "$CG_VERSION" ] || return 0
	[ "$(id -u)" = 0 ] || { echo "needs root"; return 1; }
	root=$(cg_mount memory)
	if [ -n "$root" ] && [ -w "$root" ]; then
		CG_VERSION=1 CG_MEMORY=$root/$CG_NAME CG_CPU=$(cg_mount cpuacct)
		[ -z "$CG_CPU" ] || CG_CPU=$CG_CPU/$CG_NAME
		return 0
	fi
	root=$(cg_mount cgroup2)
	if [ -z "$root" ] || [ ! -w "$root" ] || ! grep -qw memory "$root/cgroup.controllers"; then
		echo "no memory control group here"
		return 1
	fi
	if ! grep -qw memory "$root/cgroup.subtree_control"; then
		echo +memory >"$root/cgroup.subtree_control" || return 1
		CG_ENABLED=$root/cgroup.subtree_control
	fi
	CG_VERSION=2 CG_MEMORY=$root/$CG_NAME CG_CPU=$CG_MEMORY
}

cg_begin() {
	cg_available >/dev/null || return 0
	mkdir -p "$CG_MEMORY" ${CG_CPU:+"$CG_CPU"} || return 1
	[ -z "${1-}" ] || cg_limit "$1"
}

cg_limit() {
	if [ $CG_VERSION = 1 ]; then
		echo "$1" >"$CG_MEMORY/memory.limit_in_bytes"
	else
		echo "$1" >"$CG_MEMORY/memory.max"
	fi
}

cg_exec() {
	if [ -n "$CG_VERSION" ]; then
		echo "$BASHPID" >"$CG_MEMORY/cgroup.procs"
		[ -z "$CG_CPU" ] || echo "$BASHPID" >"$CG_CPU/cgroup.procs"
	fi
	exec "$@"
}

cg_cpu_ns() {
	if [ "$CG_VERSION" = 1 ] && [ -n "$CG_CPU" ]; then
		cat "$CG_CPU/cpuacct.usage"
	elif [ "$CG_VERSION" = 2 ]; then
		awk '$1 == "usage_usec" { print $2 * 1000 }' "$CG_CPU/cpu.stat"
	fi
}

cg_peak_bytes() {
	if [ "$CG_VERSION" = 1 ]; then
		cat "$CG_MEMORY/memory.max_usage_in_bytes"
	elif [ "$CG_VERSION" = 2 ]; then
		cat "$CG_MEMORY/memory.peak" 2>/dev/null
	fi
}

cg_end() {
	local group pid i
	for group in "$CG_MEMORY" "$CG_CPU"; do
		[ -n "$group" ] && [ -d "$group" ] || continue
		for ((i = 0; i < 200; i++)); do
			while read -r pid; do kill -KILL "$pid" 2>/dev/null; done <"$group/cgroup.procs"
			rmdir "$group" 2>/dev/null && break
			sleep 0.02
		done
	done
}

cg_restore() {
	cg_end
	[ -z "$CG_ENABLED" ] || echo -memory >"$CG_ENABLED"
	CG_ENABLED=''
}
