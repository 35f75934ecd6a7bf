#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# docs.sh - the manuals and the program agree: docs/COMMAND.md explains every option of `vmm COMMAND` and no other, and the two
# tables of docs/policies.md are what `vmm policies` says. Needs a built vmm in $BIN.
#
#   docs.sh policies    prints the two tables, to be put into docs/policies.md
cd "$(dirname "$0")/.." || exit 1
vmm=${BIN:-bin}/vmm
failed=0

policy_names() { "$vmm" policies | awk 'NR > 1 && !NF { exit } NR > 1 { print $1 }'; }

# One policy's page, on stdin, as rows: "1 | ..." belongs to the table of policies, "2 | ..." to that of parameters.
policy_rows() {
	awk '
	function flush() { if (key != "") field[key] = text; key = text = "" }
	function param() { if (help != "") row[++rows] = "| `" name "` | `" word "` | " value " | " range " | " help " |"; help = "" }
	NR == 1 { name = $1; sub(/^[^ ]+ - /, ""); summary = $0; next }
	/^(Parameters|It has no parameters)/ { flush(); parameters = 1; next }
	!parameters && /^  [a-z]/ { flush(); key = $1; sub(/^ +[a-z]+ +/, ""); text = $0; next }
	!parameters && /^ / { sub(/^ +/, ""); if (key != "live") text = text " " $0; next }
	parameters && / default [0-9]+, from / {
		line = $0
		sub(/^.* default /, "", line)
		value = line; sub(/,.*/, "", value)
		range = line; sub(/^[0-9]+, from /, "", range)
		if (range !~ / to /) range = "from " range
		param()
		next
	}
	parameters && /^  [a-z]/ { word = $1; sub(/^ +[^ ]+ +/, ""); help = $0; next }
	parameters && /^ / { sub(/^ +/, ""); help = help " " $0 }
	END {
		gsub(/,/, ", ", field["also"])
		sub(/ .*/, "", field["class"])
		print "1 | `" name "` | " field["also"] " | " field["class"] " | " summary " | " field["source"] " |"
		for (i = 1; i <= rows; i++)
			print "2 " row[i]
	}'
}

policy_tables() {
	rows=$(policy_names | while read -r name; do "$vmm" policies "$name" | policy_rows; done)
	printf '%s\n' '| policy | also | class | what it does | source |' '|---|---|---|---|---|'
	echo "$rows" | sed -n 's/^1 //p'
	printf '%s\n' '' '| policy | parameter | default | values | meaning |' '|---|---|---|---|---|'
	echo "$rows" | sed -n 's/^2 //p'
}

if [ "$1" = policies ]; then
	policy_tables
	exit
fi

# What explains a command's options: its own page, and that of a command whose options it has too.
pages() {
	case $1 in
	record | compare) echo "docs/$1.md docs/run.md" ;;
	*) echo "docs/$1.md" ;;
	esac
}

for command in run record compare gen trace sim mrc wss; do
	exists=$("$vmm" help $command | sed -nE 's/^ +(-[a-z], |    )?(--[a-z-]+).*/\2/p' | LC_ALL=C sort)
	explained=$(sed -nE 's/^`(-[a-z], )?(--[a-z-]+).*/\2/p' $(pages $command) | LC_ALL=C sort -u)
	[ -n "$exists" ] && [ "$exists" = "$explained" ] && continue
	echo "docs/$command.md explains: $(echo $explained)"
	echo "vmm help $command lists:   $(echo $exists)"
	failed=1
done

program=$(policy_tables | grep '^|')
manual=$(grep -E '^\| (`|policy )|^(\|---){5}' docs/policies.md)
if [ "$(policy_names | wc -l)" -lt 5 ] || [ "$program" != "$manual" ]; then
	echo "docs/policies.md differs from 'tests/docs.sh policies':"
	t=$(mktemp)
	echo "$manual" >"$t"
	echo "$program" | diff "$t" - | head -20
	rm -f "$t"
	failed=1
fi
exit $failed
