/*
 * What a file holds that is read and written while it is mapped shared.
 * "cases DIR" prints one line for each small case. "random DIR FILES STEPS SEED" has several processes change files at the
 * same time and compares with a model; NAME and NAME.model must be equal in the end.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 16 * PAGE, PROCESSES = 3, BLOCK = 100 };

static int open_file(const char *name, int flags)
{
	int fd = open(name, flags | O_CREAT, 0644);

	if (fd < 0)
		err(1, "open %s", name);
	return fd;
}

static char *map(int fd, size_t size, int protection)
{
	char *at = mmap(NULL, size, protection, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		err(1, "mmap");
	return at;
}

static void put(int fd, const void *data, size_t size, off_t at)
{
	if (pwrite(fd, data, size, at) != (ssize_t)size)
		err(1, "pwrite");
}

static void get(int fd, void *data, size_t size, off_t at)
{
	if (pread(fd, data, size, at) != (ssize_t)size)
		err(1, "pread of %zu at %ld", size, (long)at);
}

/* A file of `size` bytes 'a'. */
static int fresh(const char *name, size_t size)
{
	int fd;

	unlink(name);
	fd = open_file(name, O_RDWR);
	for (size_t i = 0; i < size; i++)
		if (write(fd, "a", 1) != 1)
			err(1, "write");
	return fd;
}

static void say(const char *name, const char *data, size_t size)
{
	printf("%s: %.*s\n", name, (int)size, data);
}

static void in_child(void (*function)(int), int fd)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		function(fd);
		_exit(0);
	}
	waitpid(child, &status, 0);
	if (status)
		printf("child ended with %x\n", status);
}

static void write_as_nobody(int fd)
{
	if (setgid(65534) || setuid(65534))
		err(1, "setuid");
	put(fd, "x", 1, 0);
}

static void cases(void)
{
	char data[3 * PAGE];
	struct stat seen;
	int fd, other;
	char *at;

	fd = fresh("m", 4);
	at = map(fd, 4, PROT_READ | PROT_WRITE);
	at[0] = 'Z';
	get(fd, data, 4, 0);
	say("read sees a store", data, 4);
	at[2] = 'Y';
	put(fd, "Q", 1, 1);
	get(fd, data, 4, 0);
	say("write beside a store", data, 4);
	say("a store sees a write", at, 4);

	fd = fresh("edge", 2 * PAGE);
	at = map(fd, 2 * PAGE, PROT_READ | PROT_WRITE);
	at[0] = at[PAGE] = 'Z';
	memset(data, 'Q', 200);
	put(fd, data, 200, PAGE - 100);
	get(fd, data, 2 * PAGE, 0);
	printf("write over a page's edge: %c%c%c%c%c\n", data[0], data[PAGE - 101], data[PAGE - 100], data[PAGE + 99], data[PAGE + 100]);

	memset(at, 'B', 2 * PAGE);
	put(fd, at, PAGE, PAGE);
	put(fd, at + 1, PAGE, 0);
	get(fd, data, 2 * PAGE, 0);
	printf("write from its own mapping: %c%c\n", data[0], data[2 * PAGE - 1]);

	fd = fresh("protect", 4);
	at = map(fd, 4, PROT_READ);
	if (mprotect(at, 4, PROT_READ | PROT_WRITE))
		err(1, "mprotect");
	at[1] = 'P';
	get(fd, data, 4, 0);
	say("writable later", data, 4);

	fd = fresh("unnamed", 4);
	unlink("unnamed");
	at = map(fd, 4, PROT_READ | PROT_WRITE);
	at[3] = 'U';
	get(fd, data, 4, 0);
	say("without a name", data, 4);

	fd = fresh("append", 4);
	at = map(fd, PAGE, PROT_READ | PROT_WRITE);
	at[0] = 'Z';
	other = open_file("append", O_RDWR | O_APPEND);
	if (write(other, "bb", 2) != 2)
		err(1, "append");
	at[1] = 'Z';
	get(fd, data, 6, 0);
	say("append beside a store", data, 6);
	at = map(other, PAGE, PROT_READ | PROT_WRITE);
	at[2] = 'Z';
	close(fd);
	get(other, data, 6, 0);
	say("store by a descriptor that appends", data, 6);

	fd = fresh("tail", 4);
	at = map(fd, PAGE, PROT_READ | PROT_WRITE);
	memcpy(at, "Zzzzzzzz", 8);
	if (ftruncate(fd, 2) || ftruncate(fd, 8))
		err(1, "ftruncate");
	get(fd, data, 8, 0);
	for (int i = 0; i < 8; i++)
		data[i] = data[i] ? data[i] : '0';
	say("shorter and longer", data, 8);

	fd = fresh("bits", 4);
	fchmod(fd, 06777);
	in_child(write_as_nobody, fd);
	stat("bits", &seen);
	printf("set-user-ID: %o\n", seen.st_mode & 07777);

	struct timespec early[2] = { { -315619200, 5 }, { 1, 500000001 } };
	utimensat(AT_FDCWD, "bits", early, 0);
	stat("bits", &seen);
	printf("times: %ld.%09ld %ld.%09ld\n", (long)seen.st_atim.tv_sec, seen.st_atim.tv_nsec, (long)seen.st_mtim.tv_sec,
	       seen.st_mtim.tv_nsec);
}

/* Each process has blocks of its own, in each page many of each process. */
static size_t own_block(int process)
{
	return (size_t)(random() % (SIZE / BLOCK / PROCESSES) * PROCESSES + process) * BLOCK;
}

static void compare(const char *what, const char *seen, const char *model, size_t at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (seen[i] != model[at + i])
			errx(1, "%s: byte %zu is %02x, not %02x", what, at + i, seen[i] & 255, model[at + i] & 255);
}

static void change(const char *name, char *model, int process, int steps, unsigned seed)
{
	int fd = open_file(name, O_RDWR);
	char *at = map(fd, SIZE, PROT_READ | PROT_WRITE);
	char data[BLOCK];

	srandom(seed);
	for (int step = 0; step < steps; step++) {
		size_t block = own_block(process), size = 1 + random() % BLOCK, from;
		struct stat seen;

		memset(data, 'A' + random() % 26, size);
		switch (random() % 7) {
		case 0:
		case 1:
			memcpy(at + block, data, size);
			memcpy(model + block, data, size);
			break;
		case 2:
		case 3:
			put(fd, data, size, block);
			memcpy(model + block, data, size);
			break;
		case 4:
			from = own_block(process);
			memcpy(data, model + from, size);
			put(fd, at + from, size, block);
			memcpy(model + block, data, size);
			break;
		case 5:
			get(fd, data, size, block);
			compare("read", data, model, block, size);
			if (fstat(fd, &seen) || seen.st_size != SIZE)
				errx(1, "size is %ld", (long)seen.st_size);
			break;
		case 6:
			if (random() % 4 == 0) {
				munmap(at, SIZE);
				at = map(fd, SIZE, PROT_READ | PROT_WRITE);
			}
			compare("mapping", at + block, model, block, size);
		}
	}
}

/* One process alone, since it changes the size. */
static void resize(const char *name, char *model)
{
	int fd = open_file(name, O_RDWR);
	char *at = map(fd, SIZE, PROT_READ | PROT_WRITE), data[SIZE];
	size_t cut = random() % SIZE, more = random() % 5000;

	if (cut + more > SIZE)
		more = SIZE - cut;
	at[0] = model[0] = '!';
	if (ftruncate(fd, cut))
		err(1, "ftruncate");
	memset(data, '+', more);
	put(fd, data, more, cut);
	if (ftruncate(fd, SIZE))
		err(1, "ftruncate");
	memset(model + cut, '+', more);
	memset(model + cut + more, 0, SIZE - cut - more);
	if (cut == 0)
		model[0] = more ? '+' : 0;
	at[SIZE - 1] = model[SIZE - 1] = '!';
	get(fd, data, SIZE, 0);
	compare("resized", data, model, 0, SIZE);
	munmap(at, SIZE);
	close(fd);
}

static void one_file(const char *name, int steps, unsigned seed)
{
	char *model = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), data[SIZE], other[64];
	int fd = open_file(name, O_RDWR);

	if (ftruncate(fd, SIZE))
		err(1, "ftruncate");
	close(fd);
	for (int round = 0; round < 2; round++) {
		int failed = 0, status;

		for (int process = 0; process < PROCESSES; process++)
			if (fork() == 0) {
				change(name, model, process, steps, seed * 16 + round * 4 + process);
				_exit(0);
			}
		for (int process = 0; process < PROCESSES; process++) {
			wait(&status);
			failed |= status;
		}
		if (failed)
			errx(1, "%s: wrong", name);
		resize(name, model);
	}
	fd = open_file(name, O_RDWR);
	get(fd, data, SIZE, 0);
	compare("reopened", data, model, 0, SIZE);
	close(fd);
	snprintf(other, sizeof(other), "%s.model", name);
	fd = open_file(other, O_RDWR);
	put(fd, model, SIZE, 0);
	close(fd);
	munmap(model, SIZE);
}

int main(int count, char **words)
{
	if (count < 3 || chdir(words[2]))
		err(1, "cases DIR | random DIR FILES STEPS SEED");
	if (!strcmp(words[1], "cases")) {
		cases();
		return 0;
	}
	for (int i = 0; i < atoi(words[3]); i++) {
		char name[32];

		snprintf(name, sizeof(name), "f%d", i);
		srandom(atoi(words[5]) + i);
		one_file(name, atoi(words[4]), atoi(words[5]) + i);
	}
	printf("right\n");
	return 0;
}
