/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How many CPUs this process may use: those of its affinity mask, cut by the CPU quota of its
 * control group and of the groups above (version 2: cpu.max; version 1: cpu.cfs_quota_us and
 * cpu.cfs_period_us). Reads small files into buffers on the stack; whatever cannot be read does not
 * limit. */
#include "runtime/cpu/pool.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MASK_WORDS = 128, TEXT = 4096, PATH_BYTES = 1024 };

static int affinity_count(void)
{
	unsigned long mask[MASK_WORDS] = { 0 };
	int n = 0;
	if (sched_getaffinity(0, sizeof(mask), (cpu_set_t *)(void *)mask) != 0)
		return 1;
	for (int i = 0; i < MASK_WORDS; i++)
		for (unsigned long m = mask[i]; m; m &= m - 1) /* no libgcc in artefacts */
			n++;
	return n > 0 ? n : 1;
}

static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return n > 0;
}

/* "max" or anything else that is not a number is no limit: 0. */
static int64_t read_number(const char **at)
{
	int64_t v = 0;
	while (**at == ' ')
		++*at;
	for (; **at >= '0' && **at <= '9' && v < INT64_MAX / 16; ++*at)
		v = v * 10 + (**at - '0');
	return v;
}

static int whole_cpus(int64_t quota, int64_t period)
{
	if (quota <= 0 || period <= 0 || quota / period >= BURIN_MAX_THREADS)
		return BURIN_MAX_THREADS;
	int64_t n = (quota + period - 1) / period;
	return n > 0 ? (int)n : 1;
}

static int quota_v2(const char *folder)
{
	char path[PATH_BYTES], text[TEXT];
	const char *at = text;
	int n = snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", folder);
	if (n < 0 || n >= (int)sizeof(path) || !read_text(path, text, sizeof(text)))
		return BURIN_MAX_THREADS;
	int64_t quota = read_number(&at);
	return whole_cpus(quota, read_number(&at));
}

static int quota_v1(const char *folder)
{
	char path[PATH_BYTES], quota[TEXT], period[TEXT];
	const char *q = quota, *p = period;
	int n = snprintf(path, sizeof(path), "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", folder);
	if (n < 0 || n >= (int)sizeof(path) || !read_text(path, quota, sizeof(quota)))
		return BURIN_MAX_THREADS;
	n = snprintf(path, sizeof(path), "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", folder);
	if (n < 0 || n >= (int)sizeof(path) || !read_text(path, period, sizeof(period)))
		return BURIN_MAX_THREADS;
	return whole_cpus(read_number(&q), read_number(&p));
}

/* The smallest quota of a folder and those above it, down to the mount point (within a container
 * the path given is the host's). */
static int quota_upwards(char *folder, int (*quota)(const char *))
{
	int least = BURIN_MAX_THREADS;
	for (;;) {
		int n = quota(folder);
		least = n < least ? n : least;
		char *slash = strrchr(folder, '/');
		if (!slash)
			return least;
		*slash = 0;
	}
}

/* Lines of the form id:controllers:path; version 2 has id 0 and no controllers. */
static int cgroup_quota(void)
{
	char text[TEXT];
	int least = BURIN_MAX_THREADS;
	if (!read_text("/proc/self/cgroup", text, sizeof(text)))
		return least;
	for (char *line = text; line && *line;) {
		char *next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		char *names = strchr(line, ':'), *folder = names ? strchr(names + 1, ':') : NULL;
		if (folder) {
			*folder++ = 0;
			bool v2 = names[1] == 0,
			     v1 = strstr(names, "cpu") && !strstr(names, "cpuset");
			if (strcmp(folder, "/") == 0)
				*folder = 0;
			int n = v2   ? quota_upwards(folder, quota_v2)
				: v1 ? quota_upwards(folder, quota_v1)
				     : BURIN_MAX_THREADS;
			least = n < least ? n : least;
		}
		line = next;
	}
	return least;
}

int cpus_allowed(void)
{
	int kept = errno;
	int cpus = affinity_count(), quota = cgroup_quota();
	errno = kept;
	return cpus < quota ? cpus : quota;
}
