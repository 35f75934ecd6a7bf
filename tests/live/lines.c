/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.c - prints line after line, each made from what it reads in memory, so that one wrong byte shows in
 * the output.
 *
 *   lines [-n LINES] [-p PAGES] [-a ACCESSES] [-c CHILDREN] [-r] [-i] [-w MICROSECONDS]
 *
 * After filling PAGES pages it forks CHILDREN processes (-r: by the raw clone call, which no fork handler
 * sees); process K prints "K LINE CHECKSUM" after every ACCESSES random reads and writes, and sleeps
 * MICROSECONDS. With -i SIGINT makes it print "caught" and exit with status 7. A line is one write(2).
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void on_interrupt(int number)
{
	static const char text[] = "caught\n";

	(void)number;
	_exit(write(1, text, sizeof(text) - 1) < 0 ? 8 : 7);
}

static int print_lines(struct block *b, unsigned process, unsigned long lines,
		       unsigned long accesses, useconds_t pause)
{
	uint64_t r = process + 1, sum = 0;
	char text[80];

	for (unsigned long line = 0; line < lines; line++) {
		for (unsigned long n = 0; n < accesses; n++) {
			r = r * 6364136223846793005ull + 1442695040888963407ull;
			size_t i = (r >> 33) % b->pages;

			sum = (sum ^ b->word[i * WORDS]) * 0x100000001B3ull;
			b->word[i * WORDS] += (r >> 60) & 1 ? sum : 0;
		}
		int size = snprintf(text, sizeof(text), "%u %lu %016llx\n", process, line,
				    (unsigned long long)sum);

		if (write(1, text, (size_t)size) != size)
			return 1;
		if (pause)
			usleep(pause);
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long lines = 200, pages = 2000, accesses = 1000, children = 0, pause = 0;
	int opt, raw = 0, bad = 0, status;
	struct block b;

	while ((opt = getopt(argc, argv, "n:p:a:c:riw:")) != -1) {
		switch (opt) {
		case 'n':
			lines = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			pages = strtoul(optarg, NULL, 0);
			break;
		case 'a':
			accesses = strtoul(optarg, NULL, 0);
			break;
		case 'c':
			children = strtoul(optarg, NULL, 0);
			break;
		case 'w':
			pause = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			raw = 1;
			break;
		case 'i':
			signal(SIGINT, on_interrupt);
			break;
		default:
			return 2;
		}
	}
	b = churn_make(pages);
	churn_write(&b);
	for (unsigned c = 1; c <= children; c++) {
		pid_t pid = raw ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();

		if (pid < 0)
			return perror("fork"), 2;
		if (!pid)
			_exit(print_lines(&b, c, lines, accesses, (useconds_t)pause));
	}
	bad = print_lines(&b, 0, lines, accesses, (useconds_t)pause);
	while (wait(&status) > 0)
		bad |= status;
	return bad != 0;
}
