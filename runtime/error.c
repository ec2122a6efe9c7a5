/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Errors go into memory of the caller, which may be of an older, smaller layout. */
#include "runtime/model.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint32_t burin_abi(void)
{
	return BURIN_ABI;
}

const char *burin_version(void)
{
	return BURIN_VERSION;
}

const char *burin_status_name(burin_status s)
{
	switch (s) {
	case BURIN_OK: return "BURIN_OK";
	case BURIN_E_ARG: return "BURIN_E_ARG";
	case BURIN_E_IO: return "BURIN_E_IO";
	case BURIN_E_SYNTAX: return "BURIN_E_SYNTAX";
	case BURIN_E_INVALID: return "BURIN_E_INVALID";
	case BURIN_E_SHAPE: return "BURIN_E_SHAPE";
	case BURIN_E_UNSUPPORTED: return "BURIN_E_UNSUPPORTED";
	case BURIN_E_TARGET: return "BURIN_E_TARGET";
	case BURIN_E_VERSION: return "BURIN_E_VERSION";
	case BURIN_E_MEMORY: return "BURIN_E_MEMORY";
	case BURIN_E_DEVICE: return "BURIN_E_DEVICE";
	case BURIN_E_CANCELLED: return "BURIN_E_CANCELLED";
	case BURIN_E_INDEX: return "BURIN_E_INDEX";
	case BURIN_E_INTERNAL: return "BURIN_E_INTERNAL";
	}
	return "unknown status";
}

static size_t room(const burin_error *err)
{
	bool whole = err->size == 0 || err->size > sizeof(*err);
	return whole ? sizeof(*err) : err->size;
}

burin_status rt_fail(burin_error *err, burin_status s, uint32_t code, const char *fmt, ...)
{
	burin_error e = { .status = (int32_t)s, .code = code };
	va_list ap;
	int kept = errno;
	if (!err)
		return s;
	va_start(ap, fmt);
	vsnprintf(e.message, sizeof(e.message), fmt, ap);
	va_end(ap);
	e.size = (uint32_t)room(err);
	memcpy(err, &e, room(err));
	errno = kept;
	return s;
}

void rt_hint(burin_error *err, const char *fmt, ...)
{
	va_list ap;
	if (!err || room(err) < sizeof(*err))
		return;
	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
}
