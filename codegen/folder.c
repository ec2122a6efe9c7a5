/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The folder in which a linker works: beside the output, so that the finished file takes its place
 * by rename. A process that has the old file mapped keeps it, and whoever looks sees the old or the
 * new one, never half of it. */
#include "codegen/folder.h"
#include "base/io_error.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void remove_folder(OomOwned *self)
{
	Folder *f = (Folder *)self;
	DIR *dir = opendir(f->path);
	if (dir) {
		for (struct dirent *d; (d = readdir(dir)) != NULL;)
			unlinkat(dirfd(dir), d->d_name, 0); /* fails for . and .. */
		closedir(dir);
	}
	rmdir(f->path);
	if (f->fd >= 0)
		close(f->fd);
}

bool folder_begin(Folder *f, const char *output, IoError *e)
{
	int before = (int)(path_base(output) - output);
	int n = snprintf(f->path, sizeof(f->path), "%.*s.burin-XXXXXX", before, output);
	if (n < 0 || n >= (int)sizeof(f->path))
		return io_fail_errno(e, E1003, ENAMETOOLONG);
	char *letters = f->path + n - strlen("XXXXXX");
	do {
		memset(letters, 'X', strlen(letters));
		if (!mkdtemp(f->path))
			return io_fail_errno(e, E1003, errno);
		f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} while (f->fd >= 0 && !io_lock_temporary(f->fd, f->path) && close(f->fd) == 0);
	oom_own(&f->owned, remove_folder);
	return true;
}

void folder_end(Folder *f)
{
	oom_disown(&f->owned);
	remove_folder(&f->owned);
}
