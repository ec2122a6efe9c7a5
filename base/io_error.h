/* Inside base/io_*.c: filling an IoError. */
#ifndef BASE_IO_ERROR_H
#define BASE_IO_ERROR_H
#include "base/io.h"

bool io_fail(IoError *e, DiagCode code, const char *text);       /* false */
bool io_fail_errno(IoError *e, DiagCode code, int system_error); /* with the system's words */
#endif
