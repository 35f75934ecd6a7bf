# SPDX-License-Identifier: Apache-2.0
# Create, index, join, update, delete, vacuum; the whole database (full: more than 200 MB) stays in SQLite's own page cache.
# The database file is compared too: it is what was in memory.

prepare() {
	cat > load.sql <<-SQL
		PRAGMA page_size = 4096;
		PRAGMA cache_size = -1000000;
		PRAGMA journal_mode = off;
		PRAGMA synchronous = off;
		CREATE TABLE account(id INTEGER PRIMARY KEY, key INTEGER, region TEXT, note TEXT);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $(full_or_quick 560000 60000))
			INSERT INTO account SELECT i, i * 2654435761 % 4294967296, 'region-' || (i * 7919 % 997),
				printf('%0300d', i * 40503 % 1000003) FROM n;
		CREATE INDEX account_key ON account(key);
		CREATE INDEX account_region ON account(region, key);
		CREATE TABLE region AS SELECT region, count(*) AS n, sum(key) AS total FROM account GROUP BY region;
		SELECT count(*), sum(n), sum(total) FROM region;
		SELECT a.region, count(*), sum(a.key % 1009), min(b.id), max(b.id)
			FROM account a JOIN account b ON b.id = a.key % $(full_or_quick 560000 60000) + 1
			GROUP BY a.region ORDER BY 3 DESC, 1 LIMIT 20;
		UPDATE account SET note = note || '-touched' WHERE key % 5 = 0;
		PRAGMA page_count;
		DELETE FROM account WHERE key % 7 = 0;
		SELECT count(*), sum(length(note)), sum(key) FROM account;
		VACUUM;
		PRAGMA integrity_check;
		PRAGMA page_count;
		SELECT id, key, region, substr(note, -12) FROM account ORDER BY key LIMIT 20 OFFSET 1000;
	SQL
}

run() {
	paged sqlite3 -batch data.db < "$INPUT/load.sql"
	local status=$?
	sha256sum data.db
	return $status
}
