/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the parts base/io_*.c. */
#ifndef BASE_IO_ERROR_H
#define BASE_IO_ERROR_H
#include "base/io.h"
#include <stdint.h>
#include <sys/stat.h>

bool io_fail(IoError *e, DiagCode code, const char *text);       /* false */
bool io_fail_errno(IoError *e, DiagCode code, int system_error); /* with the system's words */

/* fd when it is a regular file, else closes it and returns -1. */
int io_regular(int fd, struct stat *st, IoError *e);
bool io_read_at(int fd, size_t from, char *at, size_t n, IoError *e);
bool io_too_long(uint64_t size, size_t cap, IoError *e); /* false */
#endif
