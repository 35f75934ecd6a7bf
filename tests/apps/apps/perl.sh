# SPDX-License-Identifier: Apache-2.0
# Hashes, regular expressions and sorts in perl, over some 120 MB.

prepare() {
	cat > work.pl <<-'PERL'
		use strict; use warnings; use Digest::SHA;
		my ($n, $x, %index, @lines) = (shift, 1);
		sub next_random { $x = ($x * 1103515245 + 12345) & 0x7fffffff }
		for my $i (1 .. $n) {
			my ($a, $b) = (next_random() >> 8, next_random() >> 12);
			push @lines, "user$a\@host$b.example path=/v/$a/$b?id=$i";
		}
		for (@lines) {
			if (m{^user(\d+)\@host(\d+)\.example path=(/\w+/\d+)/}) { push @{$index{$2 % 20011}}, "$1$3" }
		}
		my $sha = Digest::SHA->new(256);
		$sha->add($_, map { s/(\d)(\d)/$2$1/gr } sort @{$index{$_}}) for sort keys %index;
		print scalar(keys %index), " ", $sha->hexdigest, "\n";
		my @sorted = sort { substr($a, -5) cmp substr($b, -5) || $a cmp $b } @lines;
		print Digest::SHA::sha256_hex(join "\n", @sorted), "\n";
		tr/0-9/a-j/ for @sorted;
		print scalar(grep { /(.)\1\1/ } @sorted), "\n";
	PERL
}

run() { paged perl "$INPUT/work.pl" "$(full_or_quick 400000 60000)"; }
