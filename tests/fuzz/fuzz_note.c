/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What `burin inspect` reads of a file that claims to be an artefact, or packed weights. */
#include "runtime/note.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char path[64];
	Note note;
	int fd = memfd_create("artefact", MFD_CLOEXEC);
	if (fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, n) == (ssize_t)n && !note_read(path, &note)) {
		if (strlen(note.prefix) + strlen(note.metadata) > n)
			abort();
		free(note.memory);
	}
	bool any;
	note_check_weights(path, &any);
	weights_check_file(data, n, &any);
	close(fd);
	return 0;
}
