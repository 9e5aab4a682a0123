// SPDX-License-Identifier: Apache-2.0
/*
 * Reads files as a case of the benchmark wants them read, compares every byte, and prints one line of JSON.
 *
 *   bench-reader make FILE SIZE SEED PIECES [OFF LEN]...     writes a file; with extents only those, the rest are holes
 *   bench-reader hold FILE...                                keeps the files in memory until stdin ends
 *   bench-reader pread|mmap [OPTIONS] FILES JOBS             reads
 *
 * FILES has a line "SEED<TAB>PIECES<TAB>PATH" for each file, PIECES as in content.h. JOBS has a line "FILE OFF LEN STREAM" for each
 * thing to read: FILE counts the lines of FILES from 0; STREAM, from 0, is whose job it is. Jobs of a stream are sent in order, by as
 * many threads as it has lanes.
 *
 *   -t SECONDS  when to stop (60); then "complete" is false
 *   -l LANES    of each stream (1)
 *   -o          a job waits until the one LANES places before it in its stream is answered, as a kernel's readahead does
 *   -s SPAN     a job waits until all that stand more than SPAN lines above it are sent: threads of one program keep together
 *   -r          POSIX_FADV_RANDOM: the kernel reads what it is asked for and no more
 *   -z          files are opened when they are first read, not all at the start
 *
 * Exit status: 0 all was read and right, or time was up; 1 a byte was wrong or a call failed; 2 it could not be tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "content.h"

#define MIB (1024u * 1024u)
#define STREAMS_MAX 512
#define STACK_SIZE (256u * 1024)

struct file {
	pthread_mutex_t lock; /* opening it */
	char *path;
	struct content content;
	int fd; /* -1: not open */
	unsigned char *map;
	uint64_t size;
};

struct job {
	unsigned file, stream;
	uint64_t off;
	size_t len;
	bool sent, answered;
	float ms; /* how long it took; 0 if it was not done */
};

/* Jobs of one STREAM, as indexes into jobs[]. */
struct stream {
	size_t *jobs, nr;
	size_t taken, sent; /* how many */
};

static struct options {
	bool is_mapped, is_ordered, is_random, is_lazy;
	double limit_s;
	unsigned lanes;
	size_t span; /* 0: none */
} options = {.limit_s = 60, .lanes = 1};

static struct file *files;
static size_t nr_files;
static struct job *jobs;
static size_t nr_jobs, longest;
static struct stream streams[STREAMS_MAX];
static double start_s;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards streams, and sent and answered of jobs */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static size_t first_unsent;
static atomic_bool is_over;
static atomic_ullong bytes, wrong, failed;
static atomic_int first_errno;

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void die(const char *what, int error)
{
	fprintf(stderr, "bench-reader: %s: %s\n", what, strerror(error));
	exit(2);
}

static void *must(void *p)
{
	if (!p)
		die("memory", ENOMEM);
	return p;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (end == text || *end)
		die(text, EINVAL);
	return n;
}

static void note_failure(int error)
{
	int none = 0;

	failed++;
	(void)atomic_compare_exchange_strong(&first_errno, &none, error); /* the first one stays */
}

/* -- reading -- */

static int open_file(struct file *f)
{
	struct stat st;
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	f->size = (uint64_t)st.st_size;
	if (options.is_random && posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM) != 0)
		return -EINVAL;
	if (options.is_mapped) {
		f->map = mmap(NULL, f->size, PROT_READ, MAP_SHARED, fd, 0);
		if (f->map == MAP_FAILED)
			return -errno;
	}
	f->fd = fd;
	return 0;
}

static int ensure_open(struct file *f)
{
	int r = 0;

	pthread_mutex_lock(&f->lock);
	if (f->fd < 0)
		r = open_file(f);
	pthread_mutex_unlock(&f->lock);
	return r;
}

static int pread_all(const struct file *f, unsigned char *out, uint64_t off, size_t len)
{
	for (size_t have = 0; have < len;) {
		ssize_t n = pread(f->fd, out + have, len - have, (off_t)(off + have));

		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		have += (size_t)n;
	}
	return 0;
}

static _Thread_local sigjmp_buf on_bus_error;

static void handle_bus_error(int signal_nr)
{
	(void)signal_nr;
	siglongjmp(on_bus_error, 1);
}

/* A page that cannot be had arrives as SIGBUS. */
static int check_mapped(const struct file *f, uint64_t off, size_t len)
{
	if (off + len > f->size)
		return -ENODATA;
	if (sigsetjmp(on_bus_error, 1))
		return -EIO;
	wrong += content_check(&f->content, f->map + off, off, len);
	return 0;
}

/* buffer: room for the longest job and a page. */
static void do_job(const struct job *j, unsigned char *buffer)
{
	struct file *f = &files[j->file];
	int r = ensure_open(f);

	for (size_t done = 0; r == 0 && done < j->len && !is_over;) {
		uint64_t off = j->off + done;
		size_t n = j->len - done;

		if (options.is_mapped) { /* in steps, between which the clock is looked at */
			n = n < MIB ? n : MIB;
			r = check_mapped(f, off, n);
			is_over = is_over || now_s() - start_s > options.limit_s;
		} else {
			unsigned char *p = buffer + off % PAGE_SIZE;

			r = pread_all(f, p, off, n);
			if (r == 0)
				wrong += content_check(&f->content, p, off, n);
		}
		if (r == 0)
			bytes += n;
		done += n;
	}
	if (r < 0)
		note_failure(-r);
}

/* -- who reads what, when -- */

static bool may_send_locked(const struct stream *s, size_t k)
{
	size_t idx = s->jobs[k];

	if (s->sent != k)
		return false;
	if (options.is_ordered && k >= options.lanes && !jobs[s->jobs[k - options.lanes]].answered)
		return false;
	return options.span == 0 || idx - first_unsent <= options.span;
}

/* The stream's next job when it may be sent, NULL at the end. */
static struct job *take_job(struct stream *s)
{
	struct job *j = NULL;
	size_t k;

	pthread_mutex_lock(&lock);
	k = s->taken;
	if (k < s->nr) {
		s->taken++;
		while (!is_over && !may_send_locked(s, k))
			pthread_cond_wait(&changed, &lock);
		if (!is_over) {
			j = &jobs[s->jobs[k]];
			j->sent = true;
			s->sent = k + 1;
		}
		while (first_unsent < nr_jobs && jobs[first_unsent].sent)
			first_unsent++;
		pthread_cond_broadcast(&changed);
	}
	pthread_mutex_unlock(&lock);
	return j;
}

static void answer_job(struct job *j)
{
	pthread_mutex_lock(&lock);
	j->answered = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void *run_lane(void *arg)
{
	struct stream *s = arg;
	unsigned char *buffer = options.is_mapped ? NULL : must(aligned_alloc(PAGE_SIZE, (longest / PAGE_SIZE + 2) * PAGE_SIZE));
	struct job *j;

	while ((j = take_job(s))) {
		double at = now_s();

		do_job(j, buffer);
		j->ms = (float)((now_s() - at) * 1e3);
		answer_job(j);
		if (now_s() - start_s > options.limit_s)
			is_over = true;
	}
	free(buffer);
	return NULL;
}

static void run_lanes(void)
{
	pthread_t *threads = must(calloc((size_t)STREAMS_MAX * options.lanes, sizeof(*threads)));
	struct sigaction action = {.sa_handler = handle_bus_error, .sa_flags = SA_NODEFER};
	pthread_attr_t attr;
	size_t nr = 0;

	sigaction(SIGBUS, &action, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (size_t i = 0; i < STREAMS_MAX; i++)
		for (unsigned lane = 0; streams[i].nr && lane < options.lanes; lane++) {
			int r = pthread_create(&threads[nr++], &attr, run_lane, &streams[i]);

			if (r)
				die("thread", r);
		}
	for (size_t i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	pthread_attr_destroy(&attr);
	free(threads);
}

/* -- what to read -- */

static void load_files(const char *path)
{
	FILE *in = fopen(path, "re");
	char pieces[4096], name[4096];
	unsigned long long seed;

	if (!in)
		die(path, errno);
	while (fscanf(in, "%llu\t%4095[^\t]\t%4095[^\n]\n", &seed, pieces, name) == 3) {
		struct file *f;
		int r;

		files = must(reallocarray(files, nr_files + 1, sizeof(*files)));
		f = &files[nr_files++];
		*f = (struct file){.fd = -1, .path = must(strdup(name))};
		pthread_mutex_init(&f->lock, NULL);
		r = content_init(&f->content, seed, pieces);
		if (r < 0)
			die(pieces, -r);
	}
	fclose(in);
}

static void add_to_stream(struct stream *s, size_t idx)
{
	s->jobs = must(reallocarray(s->jobs, s->nr + 1, sizeof(*s->jobs)));
	s->jobs[s->nr++] = idx;
}

static void load_jobs(const char *path)
{
	FILE *in = fopen(path, "re");
	unsigned long long off, len;
	unsigned file, stream;

	if (!in)
		die(path, errno);
	while (fscanf(in, "%u %llu %llu %u", &file, &off, &len, &stream) == 4) {
		if (file >= nr_files || stream >= STREAMS_MAX)
			die(path, ERANGE);
		jobs = must(reallocarray(jobs, nr_jobs + 1, sizeof(*jobs)));
		jobs[nr_jobs] = (struct job){.file = file, .off = off, .len = len, .stream = stream};
		longest = len > longest ? len : longest;
		add_to_stream(&streams[stream], nr_jobs++);
	}
	fclose(in);
	if (nr_jobs == 0)
		die(path, ENODATA);
}

/* -- what came of it -- */

static int compare_ms(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return x < y ? -1 : x > y;
}

static void print_latencies(void)
{
	float *ms = must(calloc(nr_jobs, sizeof(*ms)));
	size_t nr = 0;

	for (size_t i = 0; i < nr_jobs; i++)
		if (jobs[i].answered)
			ms[nr++] = jobs[i].ms;
	qsort(ms, nr, sizeof(*ms), compare_ms);
	if (nr)
		printf(",\"jobs\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f", nr, (double)ms[nr / 2], (double)ms[nr * 99 / 100],
		       (double)ms[nr - 1]);
	free(ms);
}

static int report(double seconds)
{
	unsigned long long all = 0;
	bool is_bad = wrong || failed;

	for (size_t i = 0; i < nr_jobs; i++)
		all += jobs[i].len;
	printf("{\"seconds\":%.6f,\"bytes\":%llu,\"complete\":%s,\"wrong_pages\":%llu,\"failed\":%llu,\"errno\":%d", seconds,
	       (unsigned long long)bytes, bytes == all ? "true" : "false", (unsigned long long)wrong, (unsigned long long)failed,
	       (int)first_errno);
	print_latencies();
	printf("}\n");
	fflush(stdout);
	return is_bad ? 1 : 0;
}

static int read_files(const char *files_path, const char *jobs_path)
{
	double end_s;

	load_files(files_path);
	load_jobs(jobs_path);
	start_s = now_s();
	for (size_t i = 0; i < nr_files && !options.is_lazy; i++) {
		int r = ensure_open(&files[i]);

		if (r < 0)
			note_failure(-r);
	}
	if (!failed)
		run_lanes();
	end_s = now_s();
	return report(end_s - start_s);
}

/* -- the other verbs -- */

static void write_extent(int fd, const struct content *c, uint64_t off, uint64_t end)
{
	unsigned char *block = must(aligned_alloc(PAGE_SIZE, MIB));

	for (off -= off % PAGE_SIZE; off < end;) {
		size_t n = (size_t)(end - off < MIB ? end - off : MIB);

		for (size_t at = 0; at < n; at += PAGE_SIZE)
			content_page(c, (off + at) / PAGE_SIZE, block + at);
		if (pwrite(fd, block, n, (off_t)off) != (ssize_t)n)
			die("writing", errno);
		off += n;
	}
	free(block);
}

static int make_file(char **args, int nr)
{
	uint64_t size = number(args[1]);
	struct content content;
	int fd, r = content_init(&content, number(args[2]), args[3]);

	if (r < 0)
		die(args[3], -r);
	fd = open(args[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		die(args[0], errno);
	if (nr == 4)
		write_extent(fd, &content, 0, size);
	for (int i = 4; i + 1 < nr; i += 2)
		write_extent(fd, &content, number(args[i]), number(args[i]) + number(args[i + 1]));
	if (close(fd) < 0)
		die(args[0], errno);
	return 0;
}

static void hold_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0)
		die(path, errno);
	if (st.st_size == 0)
		return;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* large folios; mlock() alone brings small ones */
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED || mlock(p, (size_t)st.st_size) < 0)
		die(path, errno);
}

static int hold_files(char **paths, int nr)
{
	char byte;

	for (int i = 0; i < nr; i++)
		hold_file(paths[i]);
	printf("held\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: bench-reader make FILE SIZE SEED PIECES [OFF LEN]... | hold FILE... |\n"
			"       pread|mmap [-t SECONDS] [-l LANES] [-o] [-s SPAN] [-r] [-z] FILES JOBS\n");
	return 2;
}

static bool parse_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "t:l:os:rz")) != -1)
		switch (c) {
		case 't': options.limit_s = (double)number(optarg); break;
		case 'l': options.lanes = (unsigned)number(optarg); break;
		case 'o': options.is_ordered = true; break;
		case 's': options.span = (size_t)number(optarg); break;
		case 'r': options.is_random = true; break;
		case 'z': options.is_lazy = true; break;
		default: return false;
		}
	return options.lanes > 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (!strcmp(verb, "make") && argc >= 6)
		return make_file(argv + 2, argc - 2);
	if (!strcmp(verb, "hold") && argc >= 3)
		return hold_files(argv + 2, argc - 2);
	options.is_mapped = !strcmp(verb, "mmap");
	if ((!options.is_mapped && strcmp(verb, "pread") != 0) || !parse_options(argc - 1, argv + 1) || argc - 1 - optind != 2)
		return usage();
	return read_files(argv[1 + optind], argv[2 + optind]);
}
