/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A folder of our own to work in; removed with all in it, in any case. */
#ifndef CODEGEN_FOLDER_H
#define CODEGEN_FOLDER_H
#include "base/io.h"
#include "base/oom.h"
#include <limits.h>

typedef struct Folder {
	OomOwned owned;
	int fd; /* locked: it is in use */
	char path[PATH_MAX];
} Folder;
bool folder_begin(Folder *f, const char *output, IoError *e); /* beside `output` */
void folder_end(Folder *f);
#endif
