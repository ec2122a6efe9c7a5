/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Errors of files, in the C locale's words whatever the host speaks. */
#include "base/io_error.h"
#include <locale.h>
#include <string.h>

bool io_fail(IoError *e, DiagCode code, const char *text)
{
	size_t n = strlen(text);
	if (n >= sizeof e->text)
		n = sizeof e->text - 1;
	e->code = code;
	memcpy(e->text, text, n);
	e->text[n] = 0;
	return false;
}

bool io_fail_errno(IoError *e, DiagCode code, int system_error)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (!c)
		return io_fail(e, code, "unknown error");
	io_fail(e, code, strerror_l(system_error, c));
	freelocale(c);
	if (e->text[0] >= 'A' && e->text[0] <= 'Z')
		e->text[0] = (char)(e->text[0] + 32);
	return false;
}

bool io_report(Diag *d, Loc loc, const char *path, const IoError *e)
{
	const char *what = e->code == E1002 ? "read" : e->code == E1003 ? "write" : "open";
	return diag_error(d, loc, e->code, "cannot %s '%s': %s", what, path, e->text);
}
