# SPDX-License-Identifier: Apache-2.0
# Node.js with plenty of short- and long-lived objects: both collectors run often.

prepare() {
	cat > work.js <<-'JS'
		const crypto = require('crypto');
		const n = Number(process.argv[2]);
		let x = 1;
		const random = () => (x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff);
		const tree = (depth) => depth ? { left: tree(depth - 1), right: tree(depth - 1), value: random() } : null;
		const sum = (t) => t ? (t.value + sum(t.left) + sum(t.right)) % 1000003 : 0;
		const kept = new Map(), digest = crypto.createHash('sha256');
		for (let round = 0; round < n; round++) {
		  const t = tree(12);
		  kept.set((random() >> 9) % 40, { t, text: String(sum(t)).repeat(200), bytes: Buffer.alloc(65536, round & 255) });
		  let s = '';
		  for (let i = 0; i < 2000; i++) s += JSON.stringify({ i, r: random() });
		  digest.update(s);
		}
		let total = 0;
		for (const [k, v] of [...kept].sort((a, b) => a[0] - b[0])) {
		  total = (total + sum(v.t)) % 1000003;
		  digest.update(k + v.text).update(v.bytes);
		}
		const sorted = Array.from({ length: n * 1000 }, () => ({ k: random(), s: 'item' + random() }));
		sorted.sort((a, b) => a.k - b.k || (a.s < b.s ? -1 : 1));
		for (const e of sorted) digest.update(e.s);
		console.log(kept.size, total, digest.digest('hex'));
	JS
}

run() { paged node "$INPUT/work.js" "$(full_or_quick 800 100)"; }
