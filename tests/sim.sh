#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sim.sh - `vmm sim` and `vmm mrc` from outside: Belady's string, both spellings, reports, and the message of each error.
# Needs a built vmm in $BIN.
cd "$(dirname "$0")/.." || exit 1
case ${BIN:-bin} in /*) vmm=$BIN/vmm ;; *) vmm=$PWD/${BIN:-bin}/vmm ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
status=0

bad() {
	echo "sim.sh: $*"
	status=1
}

# same NAME EXPECTED: stdin is what was printed.
same() {
	diff "$2" - >"$work/diff" || {
		bad "$1:"
		cat "$work/diff"
	}
}

# fails NAME STATUS PATTERN COMMAND...: nothing on stdout, one message on stderr that says vmm: and the pattern.
fails() {
	local name=$1 expected=$2 pattern=$3 got
	shift 3
	"$@" >out 2>err </dev/null
	got=$?
	[ $got = "$expected" ] || bad "$name: exit status $got, not $expected: $(cat err)"
	[ ! -s out ] || bad "$name: stdout: $(head -n 1 out)"
	[ "$(grep -c '^vmm: ' err)" = 1 ] && grep -q -- "$pattern" err || bad "$name: says: $(cat err)"
}

for page in 1 2 3 4 1 2 5 1 2 3 4 5; do echo "1 R $((page * 4096))"; done >belady
cat >expected <<-END
	fifo 3 9
	fifo 4 10
	lru 3 10
	lru 4 8
	opt 3 7
	opt 4 6
END
"$vmm" trace convert -o belady.vmt belady 2>err || bad "convert: $(cat err)"
counts() { awk -F, 'NR > 1 { print $2, $3, $7 }'; }
"$vmm" sim -t belady -f 3,4 -a fifo,lru,opt --csv - | counts | same "Belady's string" expected
"$vmm" -f 3,4 -t belady -a FIFO,LRU,Belady --csv - | counts | same "without the word sim" expected
"$vmm" sim -t - -f 4,3 -a fifo,lru --csv - <belady | counts | same "from a pipe" <(head -n 4 expected)
"$vmm" mrc -t belady -f 3,4 -a fifo,lru,opt --csv - | awk -F, 'NR > 1 { print $1, $3, $6 }' | same "mrc" expected

# Written with blanks, comments, decimal numbers and no newline at the end, it is the same trace.
sed 's/R 4096/ r	0x1fff  # one/; s/^1/\n# comment\n 1/' belady | head -c -1 >odd
"$vmm" sim -t odd -f 3,4 -a fifo,lru,opt --csv - | counts | same "another spelling of the trace" expected
printf '1 W 0\n2 W 0\n1 R 0\n2 R 0\n1 W 4095\n' >two
"$vmm" sim -t two -f 1 -a fifo --csv - | cut -d, -f4-8,12-14 | sed 1d >out
echo '5,2,3,5,1.000000000,3,2,4' | same "two processes, written pages" out

head=config,policy,frames,total_accesses,reads,writes,page_faults,pf_rate,tlb_hits,tlb_misses,tlb_hit_rate,swap_ins
head=$head,swap_outs,replacements,amt_ns,runtime_ms,trace_sha256,params,seed,fidelity,warmup
[ "$("$vmm" sim -t belady -f 3 --csv - | head -n 1)" = $head ] || bad "the CSV's header"
[ "$("$vmm" sim -t belady -f 3 --csv - | tail -n 1 | cut -d, -f17)" = "$(sha256sum <belady | cut -d' ' -f1)" ] ||
	bad "the digest of the trace"
"$vmm" sim -q -t belady -f 3 -a lru --json one.json --csv one.csv >out && [ ! -s out ] || bad "quiet"
python3 - <<-END || bad "JSON"
	import json
	one = json.load(open("one.json"))
	assert one["mode"] == "sim" and one["schema"] == 1 and one["counters"]["faults"] == 10, one
	assert one["policy"] == "lru" and one["frames"] == 3 and abs(one["miss_ratio"] - 10 / 12) < 1e-8, one
END
"$vmm" sim -t belady -f 3 --warmup 50% -a fifo --csv - | cut -d, -f4,7,21 | tail -n 1 >out
echo 6,3,6 | same "warm-up" out # of 1 2 3 4 1 2 | 5 1 2 3 4 5: 5, 3 and 4 fault

# Counts do not depend on the threads; pages are drawn by awk's own generator with a fixed seed.
awk 'BEGIN { srand(1); for (i = 0; i < 50000; i++) print 1 + i % 3, (rand() < 0.3 ? "W" : "R"), int(rand() * rand() * 4e6) }' >many
for jobs in 1 2 7; do
	"$vmm" sim -t many -f 10,100,500 -a fifo,lru,random,nru,opt --jobs $jobs --csv - | cut -d, -f1-15,18- >jobs.$jobs
	cmp -s jobs.1 jobs.$jobs || bad "--jobs $jobs counts otherwise than one thread"
done
# A sample of everything is the curve, exact up to 255 frames.
"$vmm" mrc -t many -f 1,7,50,200 --csv - | cut -d, -f3-7 >curve
"$vmm" mrc -t many -f 1,7,50,200 --sample 1.0 --salts 1 --csv - | cut -d, -f3-7 | same "a sample of everything" curve
"$vmm" mrc -t many --sample 50 -o s.json -q && python3 -c 'import json; json.load(open("s.json"))["sample"]' || bad "--sample"
"$vmm" mrc -t belady -a lru,fifo | grep -q '41.667%' || bad "the plot"

# --- both engines, and what only the full model has
for policy in lru fifo random sieve arc w-tinylfu; do
	"$vmm" sim -t many -f 10,100 -a $policy --csv - | cut -d, -f1-15,17- >fast
	"$vmm" sim -t many -f 10,100 -a $policy --model --csv - | cut -d, -f1-15,17- | same "the engines, $policy" fast
done
for jobs in 1 3; do
	"$vmm" sim -t many -f 10,500 -a opt,ws,vmin,clock -T 16 --pt two,hashed --interval 9999 --jobs $jobs --csv - | cut -d, -f1-15,17- >jobs.$jobs
done
cmp -s jobs.1 jobs.3 || bad "the full model counts otherwise on three threads"
"$vmm" sim -t many -f 10,500 -a opt --csv - | counts >fast
"$vmm" sim -t many -f 10,500 -a opt --model --csv - | counts | same "opt by both engines" fast
# wsclock writes pages back, which only the full model does; lru's distances are the same beside it.
"$vmm" sim -t many -f 3,40,300 -a lru,wsclock,opt,clock --model --csv - | counts >expected
"$vmm" mrc -t many -f 3,40,300 -a lru,wsclock,opt,clock --csv - | awk -F, 'NR > 1 { print $1, $3, $6 }' | same "curves beside wsclock's" expected
printf '1 W 0\n1 R 4096\n1 U 0 4096\n1 R 0\n' >gone
"$vmm" sim -t gone -f 2 -a lru,opt --csv - | counts | same "a page that is unmapped" <(printf 'lru 2 3\nopt 2 3\n')


# --- curves where pages go, processes end and (forks) frames are shared: what sim counts at each size
"$vmm" gen -t fork -n 4000 -p 3 -o forks.vmt
awk '{ print } NR % 400 == 0 { print 1 + NR % 3, (NR % 800 ? "U" : NR % 1600 ? "D" : "M"), NR * 41 % 4000000, 4096 * (1 + NR % 90) } NR % 9000 == 0 { print 2, "X" }' many >goes
for t in goes forks.vmt; do
	for warm in 0 1234; do
		"$vmm" sim -t $t -f 1,2,9,60,200,600,2000 -a lru,opt,clock --warmup $warm --csv - | counts >expected
		"$vmm" mrc -t $t -f 1,2,9,60,200,600,2000 -a lru,opt,clock --warmup $warm --csv - | awk -F, 'NR > 1 { print $1, $3, $6 }' |
			same "curves of $t after $warm" expected
	done
done
"$vmm" sim -t goes -f 9 --json - | grep -q '"engine": "replay"' || bad "pages that go, or are mapped anew, need the full model"
"$vmm" sim -t goes -f 9,200,600 -a opt --model --csv - | counts >expected
"$vmm" sim -t goes -f 9,200,600 -a opt --csv - | counts | same "opt by both engines where pages go" expected
"$vmm" mrc -t goes -f 7,50,200 --csv - | cut -d, -f3-7 >curve
"$vmm" mrc -t goes -f 7,50,200 --sample 1.0 --salts 1 --csv - | cut -d, -f3-7 | same "a sample of everything where pages go" curve

# --- sizes, page sizes, warm-up, intervals, seeds
"$vmm" sim -t belady -m 60%,100% -a lru --csv - | counts | same "percent of 5 pages" <(printf 'lru 3 10\nlru 5 5\n')
"$vmm" sim -t belady -m 16K -p 4K,8K -a lru --csv - | cut -d, -f1-3,7 | sed 1d |
	same "page sizes" <(printf 'sim/4.0 KiB,lru,4,8\nsim/8.0 KiB,lru,2,9\n')
"$vmm" sim -t belady -f 3 -a lru --interval 5 --csv - | cut -d, -f4,7,22-24 | sed 1d |
	same "intervals" <(printf '12,10,,,\n5,5,0,0,4\n5,3,1,5,4\n2,2,2,10,2\n')
# By time: two references in the first half second, none in the next two, three in the fourth, one in the last.
printf '1 @ 0\n1 R 0\n1 R 4096\n1 @ 1600000000\n1 R 0\n1 @ 1500000000\n1 R 0\n1 R 8192\n1 @ 2000000000\n1 R 0\n' >timed
cat >expected <<-END
	6,3,,,,
	2,2,0,0,2,0
	0,0,1,2,0,500000000
	0,0,2,2,0,1000000000
	3,1,3,2,2,1500000000
	1,0,4,5,1,2000000000
END
for engine in '' --model; do
	"$vmm" sim -t timed -f 2 -a lru --interval 0.5s $engine --csv - | cut -d, -f4,7,22-25 | sed 1d | same "intervals of time $engine" expected
	"$vmm" sim -t timed -f 2 -a lru --warmup 3 --interval 1s $engine --csv - | cut -d, -f4,7,22-25 | sed 1d |
		same "intervals of time after a warm-up $engine" <(printf '3,1,,,,\n2,1,0,3,2,1000000000\n1,0,1,5,1,2000000000\n')
done
"$vmm" sim -t timed -f 2 -a lru --interval 1s | grep -q 'intervals of 1 seconds' || bad "the text of intervals of time"
"$vmm" sim -t many -f 100 -a random,lru --seeds 5 --json seeds.json -q
python3 - <<-END || bad "seeds"
	import json, statistics
	random, lru = json.load(open("seeds.json"))["runs"]
	s = random["seeds"]
	assert s["n"] == 5 and len(set(s["faults"])) > 1, s
	assert abs(s["faults_mean"] - statistics.mean(s["faults"])) < 1e-6
	assert min(s["faults"]) <= s["faults_interval"][0] <= s["faults_mean"] <= s["faults_interval"][1] <= max(s["faults"])
	assert "seeds" not in lru
END
"$vmm" sim -t many -f 100 -a random,lru --repeat 3 --csv - | counts >out
"$vmm" sim -t many -f 100 -a random,lru --csv - | counts | same "--repeat" out
"$vmm" sim -t many -f 10,100,1000 -a clock:ref-at-load=0,lru,fifo,random --seeds 3 -T 16 --pt four,inverted >out
[ "$(awk '{ if (length() > n) n = length() } END { print n }' out)" -le 100 ] || bad "a table wider than 100 columns"
grep -q '[0-9]\*  *' out || bad "nothing is the best"

# --- reduced traces, working sets, comparisons
for k in 20 300; do
	"$vmm" trace reduce --sad $k -o reduced.vmt many 2>err || bad "reduce: $(cat err)"
	"$vmm" sim -t many -f 20,300,600 -a lru,opt --csv - | awk -F, -v k=$k 'NR > 1 && $3 >= k { print $2, $3, $7, "exact" }' >expected
	"$vmm" sim -t reduced.vmt -f 20,300,600 -a lru,opt --csv - | awk -F, -v k=$k 'NR > 1 && $3 >= k { print $2, $3, $7, $20 }' | same "reduced by $k" expected
done
"$vmm" sim -t reduced.vmt -f 20 -a fifo --json - | python3 -c 'import json, sys; j = json.load(sys.stdin); assert j["approximate"] and j["fidelity"] == "reduced"' ||
	bad "fifo on a reduced trace is called exact"
"$vmm" wss -t belady --miss-ratio 70%,60%,10% >out
grep -q 'at most 70% misses with LRU: 4 frames' out && grep -q 'at most 60% misses with LRU: 5 frames' out && grep -q 'not with any' out || bad "wss: $(cat out)"
"$vmm" wss -t belady --csv - | awk -F, '/^(tau|1|2|16),/ { print $1, $2 }' | same "wss" <(printf 'tau mean_pages\n1 1.000000\n2 1.916667\n16 4.000000\n')
"$vmm" compare -t many -a lru,fifo --csv - | awk -F, '{ print $1, $2, $3 }' | sort -u | wc -l | same "compare" <(echo 7)
"$vmm" compare -t many -a lru -m 100% --pt two,four,hashed,inverted | grep -c 'lru' | same "page tables compared" <(echo 4)
"$vmm" sim -t many -f 10,100 -a lru,clock --html page.html -q && python3 - <<-END || bad "HTML"
	import json, re
	text = open("page.html").read()
	data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1))
	assert len(data["runs"]) == 4 and sum(data["heat"]["counts"]) == 50000, data["heat"]["rows"]
	assert len(data["runs"][0]["intervals"]) > 50
	assert not re.search(r'(src|href)=|url\(|https?://(?!www.w3.org)', text)
END

# --- a window of K pages, first in first out, entries and exits logged: lru is bracketed, and everything else approximate
windowed() {
	echo "# vmm trace: page-size 4096, window $1"
	awk -v k="$1" 'BEGIN { first = 0 } { page = $1 " " int($3 / 4096) } page in inside { next }
		{ if (n == k) { split(queue[first], p, " "); print p[1], "L", p[2] * 4096; delete inside[queue[first]]; delete queue[first++]; n-- }
		  print; inside[page]; queue[first + n++] = page }'
}
windowed 4 <many >through.4
windowed 60 <many >through.60
windowed 1 <many >through.1
"$vmm" trace convert -o through.vmt through.4 2>err || bad "convert: $(cat err)"
"$vmm" trace info through.vmt | grep -q 'window of 4 pages' || bad "trace info of a window"
"$vmm" sim -t many -f 120,400,600,900 -a lru --csv - | awk -F, 'NR > 1 { print $3, $7 }' >truth
for t in through.1 through.4 through.vmt through.60; do
	"$vmm" sim -t $t -f 120,400,600,900 -a lru --csv - | awk -F, 'NR > 1 { print $3, $20, $22, $23 }' >sim.bracket
	paste -d' ' truth sim.bracket | awk '!($1 == $3 && $5 <= $2 && $2 <= $6 && ($4 == "exact") == ($5 == $6)) { print }' | same "lru through $t" /dev/null
	"$vmm" mrc -t $t -f 120,400,600,900 --json mrc.json -q
	python3 -c 'import json
for p in json.load(open("mrc.json"))["curves"][0]["points"]: print(p["frames"], *p["bounds"]["misses"])' |
		same "lru's curve through $t" <(cut -d' ' -f1,3,4 sim.bracket)
done
grep -c window sim.bracket | same "brackets through a large window" <(echo 4)
"$vmm" sim -t through.1 -f 2,120 -a lru --csv - | grep -c exact | same "a window of one page hides no fault" <(echo 2)
"$vmm" sim -t through.vmt -f 120 -a lru --json bracket.json -q
"$vmm" sim -t through.vmt -f 120 -a sieve --json approximate.json -q
python3 - <<-END || bad "JSON of a window"
	import json
	lru, sieve = json.load(open("bracket.json")), json.load(open("approximate.json"))
	low, high = lru["bounds"]["faults"]
	assert low <= lru["counters"]["faults"] <= high and low < high and lru["approximate"] and lru["provenance"]["window"] == 4, lru
	assert sieve["approximate"] and sieve["fidelity"] == "window" and "bounds" not in sieve, sieve
END
"$vmm" sim -t through.vmt -f 120,900 -a lru,sieve,opt >out
grep -q 'approximate (window 4)' <("$vmm" sim -t through.vmt -f 120 -a sieve) || bad "the text of a policy that is approximate"
grep -q 'through a window of 4 pages' out && grep -q 'approximate' out && grep -q '\.\.' out && ! grep -q '\*' out || bad "the text of a window: $(cat out)"
"$vmm" mrc -t through.vmt -a lru,clock | grep -q '^  8 frames\|^          8 frames' || bad "a curve through a window begins at twice the window"
"$vmm" mrc -t through.vmt -a lru,clock | grep -c 'within a bracket\|clock.*: approximate' | same "the plot through a window" <(echo 2)
fails "lru in less than twice the window" 1 "hides faults of lru in 7 frames" "$vmm" sim -t through.vmt -f 7 -a lru
fails "lru's curve below twice the window" 1 "hides faults of lru in 7 frames" "$vmm" mrc -t through.vmt -f 7,9
fails "a window of other pages" 1 "pages of another size" "$vmm" sim -t through.4 -f 100 -p 16K
grep -v L through.4 >no.exits
fails "a window without exits" 1 "lacks exits" "$vmm" sim -t no.exits -f 100 -a lru
fails "a window twice from a pipe" 1 "once only" "$vmm" sim -t <(cat through.4) -f 100 -a lru
fails "a sample through a window" 1 "of which no sample" "$vmm" mrc -t through.vmt --sample 0.5
fails "working sets through a window" 1 "does not hold every reference" "$vmm" wss -t through.vmt
{ echo "# vmm trace: page-size 4096, faults only"; cat many; } >faults.only
fails "faults only" 1 "does not hold every reference" "$vmm" sim -t faults.only -f 10
fails "the curve of faults only" 1 "does not hold every reference" "$vmm" mrc -t faults.only
"$vmm" sim -t faults.only -f 10 -a lru --force --csv - | tail -n 1 | cut -d, -f20 | same "faults by force" <(echo faults)
"$vmm" mrc -t faults.only -f 10 --force --csv - | tail -n 1 | cut -d, -f10 | same "the curve of faults by force" <(echo faults)
"$vmm" sim -t through.vmt -f 7 -a lru --force --csv - | tail -n 1 | cut -d, -f20 | same "lru by force" <(echo window)

# --- local allocation: each process as if alone
"$vmm" sim -t many -f 90 -a lru --allocation local --budget 2=50 --budget 3=20%,min=1 --json local.json -q 2>err
grep -q "not a size\|0 frames" err || bad "a budget in bytes below a frame: $(cat err)"
"$vmm" sim -t many -f 90 -a lru --allocation local --budget 2=160K --json local.json -q
for pid in 1 2 3; do grep "^$pid " many >alone.$pid; done
{ "$vmm" sim -t alone.1 -f 25 -a lru --csv -; "$vmm" sim -t alone.2 -f 40 -a lru --csv -; "$vmm" sim -t alone.3 -f 25 -a lru --csv -; } |
	awk -F, '/^sim/ { print $3, $7 }' >expected
python3 -c 'import json
for p in sorted(json.load(open("local.json"))["processes"], key=lambda p: p["pid"]): print(p["frames"], p["counters"]["faults"])' |
	same "local allocation" expected

fails "no trace" 2 "no trace was given" "$vmm" sim -f 3
fails "no memory" 2 "no memory was given" "$vmm" sim -t belady
fails "a missing trace" 1 "No such file" "$vmm" sim -t nosuch -f 3
fails "a directory" 1 "Is a directory" "$vmm" sim -t . -f 3
fails "0 frames" 2 "0 frames" "$vmm" sim -t belady -f 3,0
fails "no number" 2 "not a number" "$vmm" sim -t belady -f x
fails "memory given twice" 2 "given already" "$vmm" sim -t belady -f 3 -r 1
fails "a policy that does not exist" 2 "Did you mean 'sieve'" "$vmm" sim -t belady -f 3 -a lru,seive
fails "a parameter that does not exist" 2 "no such parameter" "$vmm" sim -t belady -f 3 -a clock:x=1
fails "a page size" 2 "no page size" "$vmm" sim -t belady -f 3 -p 5000
fails "a warm-up" 2 "neither a number" "$vmm" sim -t belady -f 3 --warmup x
fails "a page table" 2 "Did you mean five" "$vmm" sim -t belady -f 3 --pt fiv
fails "a TLB" 1 "'foo' is not understood" "$vmm" sim -t belady -f 3 -T foo
fails "a prefetcher" 1 "'foo' is not understood" "$vmm" sim -t belady -f 3 --prefetch foo
fails "a prefetcher for opt" 2 "Leave out\|next use" "$vmm" sim -t belady -f 3 -a opt --prefetch seq
fails "nodes" 1 "'0' is not understood" "$vmm" sim -t belady -f 3 --numa 0
fails "a swap device that is full" 1 "device of 1 MiB full" "$vmm" sim -t <(awk 'BEGIN { for (i = 0; i < 1000; i++) print 1, "W", i * 4096 }') -f 100 -s 1
fails "a budget without local allocation" 2 "share one pool" "$vmm" sim -t belady -f 3 --budget 1=4K
fails "a budget that is none" 2 "no process id" "$vmm" sim -t belady -f 3 --budget x=4K
fails "a budget's other word" 2 "not min=SIZE" "$vmm" sim -t belady -f 3 --budget 1=4K,max=3K
fails "a budget of nobody" 1 "no process 9" "$vmm" sim -t belady -f 3 --allocation local --budget 9=4K
fails "fewer frames than processes" 1 "too few" "$vmm" sim -t many -f 2 --allocation local
fails "an allocation" 2 "Did you mean local" "$vmm" sim -t belady -f 3 --allocation locl
fails "a walk cache without tables" 2 "no page table" "$vmm" sim -t belady -f 3 --walk-cache 4
fails "an interval" 2 "no number of references" "$vmm" sim -t belady -f 3 --interval 0
fails "an interval of no time" 2 "nor of seconds" "$vmm" sim -t timed -f 3 --interval 0s
fails "time that the trace does not have" 1 "does not say what time" "$vmm" sim -t belady -f 3 --interval 1s
fails "time passes too fast" 1 "more than" "$vmm" sim -t <(printf '1 R 0\n1 @ 0xffffffffffffffff\n') -f 3 --interval 0.001s
fails "too many rows" 1 "more than" "$vmm" sim -t many -f 3 -a fifo,lru,clock,sieve,arc,2q,lfu,mru,slru,lirs,car,nru,nfu,aging,gclock,lru-k,linux2,mglru,random,lecar --interval 1
fails "no seed" 2 "from 1 to" "$vmm" sim -t belady -f 3 --seeds 0
fails "no percentage" 2 "not a size" "$vmm" sim -t belady -m 5%%
fails "a table of 32 bits" 1 "beyond the page table" "$vmm" sim -t <(echo 1 R 0x100000000000) -f 3 --pt two
fails "page sizes finer than recorded" 1 "finer than" "$vmm" sim -t belady.vmt -f 3 -p 1K
fails "a percentage of a pipe" 1 "once only" "$vmm" sim -t - -m 10%
fails "the future of a pipe" 1 "once only" "$vmm" sim -t - -f 3 -a vmin
fails "a program compared" 2 "too few" "$vmm" compare -f 3 -- true
fails "a target" 2 "no list" "$vmm" wss -t belady --miss-ratio 5
fails "reduce without K" 2 "no --sad" "$vmm" trace reduce -o x.vmt belady
fails "K elsewhere" 2 "keeps everything" "$vmm" trace cut --sad 4 -o x.vmt belady
mkfifo pipe
cat belady >pipe 2>writer.err &
writer=$!
fails "a pipe that is needed twice" 1 "once only" "$vmm" sim -t pipe -f 3 --warmup 10%
kill $writer 2>writer.err # nobody may have opened the pipe
fails "a sample of a trace with forks" 1 "no sample can be taken" "$vmm" mrc -t forks.vmt --sample 0.5
fails "large pages and a swap device" 1 "not possible with the other options" "$vmm" sim -t forks.vmt -f 3000 -a lru --large always -s 64
fails "an empty trace" 1 "no reference" "$vmm" sim -t /dev/null -f 3
fails "a warm-up of everything" 1 "after the warm-up" "$vmm" sim -t belady -f 3 --warmup 12
fails "an empty trace's curve" 1 "no reference" "$vmm" mrc -t /dev/null
fails "a report that cannot be written" 2 "cannot be written" "$vmm" sim -t belady -f 3 --csv no/such/dir
fails "a word too many" 2 "unexpected word" "$vmm" sim -t belady -f 3 more
fails "a sampled policy" 2 "only lru" "$vmm" mrc -t belady -a fifo --sample 0.1
fails "a curve of variable allocation" 2 "variable allocation has no" "$vmm" mrc -t belady -a clock,ws
fails "a sample too small" 1 "too few" "$vmm" mrc -t many -f 2 --sample 0.01
while IFS='|' read -r line expected; do
	printf '1 R 0\n%b\n' "$line" >wrong
	fails "the line '$line'" 1 "line 2, column $expected" "$vmm" sim -t wrong -f 3
done <<-END
	x R 0|1: expected a process id
	1 Q 0|3: expected
	1R 0|2: expected a space
	1 R|4: expected
	1 R 0x|5: expected
	1 R 0x10000000000000000|5: expected
	1 R 5 6|6: expected the end of the line
END
exit $status
