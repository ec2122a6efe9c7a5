/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reading and writing entries. Nothing in the folder is trusted: a file must be a regular one of
 * ours with one name and no other writer, its sizes must add up, and the checksum over head, key
 * and payload must fit. Writing goes to a temporary name, then renames; two processes that store
 * the same entry both succeed. */
#include "codegen/cache_entry.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "BURINCAC"
enum { PAYLOAD_ALIGN = 64 };

typedef struct Head {
	char magic[8];
	uint32_t version, key_bytes;
	uint64_t bytes;
	unsigned char sum[SHA256_BYTES]; /* of all but itself */
	unsigned char padding[8];
} Head;
_Static_assert(sizeof(Head) == PAYLOAD_ALIGN, "the key follows at 64");

typedef struct Part {
	const void *at;
	size_t bytes;
} Part;

void entry_name(const void *key, size_t key_bytes, char name[ENTRY_NAME])
{
	unsigned char digest[SHA256_BYTES];
	sha256_bytes(key, key_bytes, digest);
	sha256_hex(digest, name);
}

bool entry_is_name(const char *name)
{
	return strlen(name) == ENTRY_NAME - 1 && strspn(name, "0123456789abcdef") == ENTRY_NAME - 1;
}

static size_t payload_at(size_t key_bytes)
{
	return (sizeof(Head) + key_bytes + PAYLOAD_ALIGN - 1) & ~(size_t)(PAYLOAD_ALIGN - 1);
}

/* rest: all that follows the head, in parts. */
static void checksum(const Head *h, const Part *rest, int n, unsigned char *out)
{
	Sha256 s;
	Head bare = *h;
	memset(bare.sum, 0, sizeof(bare.sum));
	sha256_init(&s);
	sha256_add(&s, &bare, sizeof(bare));
	for (int i = 0; i < n; i++)
		sha256_add(&s, rest[i].at, rest[i].bytes);
	sha256_final(&s, out);
}

static bool read_all(int fd, char *to, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t n = read(fd, to + done, bytes - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static const char *check_file(int fd, struct stat *st)
{
	if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode))
		return "not a regular file";
	if (st->st_uid != geteuid())
		return "belongs to another user";
	if (st->st_nlink > 1) /* 0: replaced or evicted just now, and still good */
		return "has a second name";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "others may write to it";
	if (st->st_size < (off_t)sizeof(Head) || st->st_size > ENTRY_LIMIT)
		return "of a wrong size";
	return NULL;
}

static const char *take_apart(const char *file, size_t bytes, Entry *out)
{
	Head h;
	unsigned char sum[SHA256_BYTES];
	memcpy(&h, file, sizeof(h));
	if (memcmp(h.magic, MAGIC, sizeof(h.magic)) != 0 || h.version != ENTRY_VERSION)
		return "of another version";
	if (h.key_bytes > ENTRY_KEY_LIMIT || payload_at(h.key_bytes) > bytes ||
	    h.bytes != bytes - payload_at(h.key_bytes))
		return "truncated";
	*out = (Entry){ .key = file + sizeof(h),
			.key_bytes = h.key_bytes,
			.data = file + payload_at(h.key_bytes),
			.bytes = h.bytes };
	checksum(&h, &(Part){ file + sizeof(h), bytes - sizeof(h) }, 1, sum);
	return memcmp(sum, h.sum, sizeof(sum)) == 0 ? NULL : "wrong checksum";
}

static const char *read_file(int fd, Arena *a, Entry *out)
{
	struct stat st;
	const char *wrong = check_file(fd, &st);
	if (wrong)
		return wrong;
	char *file = arena_alloc(a, (size_t)st.st_size);
	if (!read_all(fd, file, (size_t)st.st_size))
		return "cannot be read";
	futimens(fd, NULL); /* used now; where that is not allowed it is evicted earlier */
	return take_apart(file, (size_t)st.st_size, out);
}

const char *entry_read(int folder, const char *name, Arena *a, Entry *out)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT ? "absent" : "cannot be opened";
	const char *wrong = read_file(fd, a, out);
	close(fd);
	return wrong;
}

static bool write_all(int fd, const char *from, size_t bytes)
{
	while (bytes > 0) {
		ssize_t n = write(fd, from, bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		from += n;
		bytes -= (size_t)n;
	}
	return true;
}

static bool write_parts(int fd, const Entry *e)
{
	static const char zeros[PAYLOAD_ALIGN];
	Head h = { .version = ENTRY_VERSION,
		   .key_bytes = (uint32_t)e->key_bytes,
		   .bytes = e->bytes };
	memcpy(h.magic, MAGIC, sizeof(h.magic));
	const Part rest[] = { { e->key, e->key_bytes },
			      { zeros, payload_at(e->key_bytes) - sizeof(h) - e->key_bytes },
			      { e->data, e->bytes } };
	checksum(&h, rest, 3, h.sum);
	bool ok = write_all(fd, (const char *)&h, sizeof(h));
	for (int i = 0; ok && i < 3; i++)
		ok = write_all(fd, rest[i].at, rest[i].bytes);
	return ok;
}

const char *entry_write(int folder, const char *name, const Entry *e)
{
	char temporary[64];
	uint64_t random;
	if (e->key_bytes > ENTRY_KEY_LIMIT || e->bytes > (size_t)ENTRY_LIMIT / 2)
		return "too large";
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return "no random name";
	snprintf(temporary, sizeof(temporary), "tmp-%016llx", (unsigned long long)random);
	int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	if (fd < 0)
		return strerror(errno);
	/* Not synced: after a crash the checksum tells. */
	bool ok = write_parts(fd, e);
	int error = errno;
	if (close(fd) != 0 && ok) {
		ok = false;
		error = errno;
	}
	if (ok && renameat(folder, temporary, folder, name) == 0)
		return NULL;
	error = ok ? errno : error;
	unlinkat(folder, temporary, 0);
	return strerror(error);
}
