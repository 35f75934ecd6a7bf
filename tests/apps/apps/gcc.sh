# SPDX-License-Identifier: Apache-2.0
# gcc -O2 of a generated C file of more than 30 thousand lines: the driver starts cc1 and as. The object is compared.

prepare() {
	"$PYTHON" - "$(full_or_quick 1200 200)" > big.c <<-'PY'
		import random, sys
		r = random.Random(3)
		n = int(sys.argv[1])
		print("#include <stdint.h>\nstruct node { struct node *next; uint32_t key, value[4]; };")
		print("extern struct node *table[4096];")
		print("const uint32_t constants[] = {")
		for i in range(n * 13):
		    print("\t%du, /* %d */" % (r.getrandbits(32), i))
		print("};")
		for i in range(n):
		    a, b, c = (r.randrange(1, 1 << 20) for _ in range(3))
		    call = "f%d(n->next, x ^ %d)" % (r.randrange(max(0, i - 40), i), a) if i else "x"
		    print(f"""uint32_t f{i}(struct node *n, uint32_t x)
		{{
			uint32_t sum = constants[x % {13 * n}u] + {a};
			for (; n; n = n->next) {{
				if (n->key % {b} == x)
					sum += n->value[x & 3] * {c}u;
				else
					sum ^= n->key << (x & 7);
			}}
			n = table[(sum ^ x) & 4095];
			return n ? sum + {call} : sum;
		}}
		""")
	PY
}

run() {
	paged gcc -O2 -c "$INPUT/big.c" -o big.o
	local status=$?
	sha256sum big.o
	ls -A
	return $status
}
