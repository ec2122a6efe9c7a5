/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Opening the driver and putting its errors into words. */
#include "runtime/cuda/driver.h"
#include "include/burin.h"
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *symbol;
	size_t offset;
} symbol_row[] = {
#define CUDA_FN(name, symbol, parameters) { symbol, offsetof(CudaDriver, name) },
#include "runtime/cuda/symbols.def"
#undef CUDA_FN
};

bool cuda_fail(CudaError *e, int status, const char *fmt, ...)
{
	va_list ap;
	if (e->status)
		return false;
	e->status = status;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	return false;
}

bool cuda_check(const CudaDriver *d, CudaResult r, CudaError *e, const char *fmt, ...)
{
	const char *name = NULL, *text = NULL;
	char what[320];
	va_list ap;
	if (r == 0)
		return true;
	d->error_name(r, &name);
	d->error_text(r, &text);
	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	return cuda_fail(e, BURIN_E_DEVICE, "%s: %s (%s)", what, text ? text : "unknown error",
			 name ? name : "?");
}

static bool resolve(CudaDriver *d, CudaError *e)
{
	for (size_t i = 0; i < sizeof symbol_row / sizeof symbol_row[0]; i++) {
		void *f = dlsym(d->library, symbol_row[i].symbol);
		if (!f)
			return cuda_fail(e, BURIN_E_DEVICE,
					 "the CUDA driver is too old: it has no %s (needed: CUDA "
					 "11.4 or later)",
					 symbol_row[i].symbol);
		memcpy((char *)d + symbol_row[i].offset, &f, sizeof f);
	}
	return true;
}

static bool start(CudaDriver *d, CudaError *e)
{
	int version = 0;
	CudaResult r = d->init(0);
	if (r == CUDA_NO_DEVICE)
		return cuda_fail(e, BURIN_E_DEVICE, "the CUDA driver finds no device");
	if (!cuda_check(d, r, e, "starting the CUDA driver") ||
	    !cuda_check(d, d->driver_version(&version), e, "asking for the driver's version"))
		return false;
	if (version >= CUDA_LEAST_DRIVER)
		return true;
	return cuda_fail(e, BURIN_E_DEVICE,
			 "the CUDA driver is too old: it is of CUDA %d.%d, %d.%d is needed",
			 version / 1000, version % 1000 / 10, CUDA_LEAST_DRIVER / 1000,
			 CUDA_LEAST_DRIVER % 1000 / 10);
}

bool cuda_driver_open(CudaDriver *d, CudaError *e)
{
	memset(d, 0, sizeof *d);
	d->library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!d->library)
		return cuda_fail(e, BURIN_E_DEVICE,
				 "no CUDA driver here: libcuda.so.1 cannot be opened");
	if (resolve(d, e) && start(d, e))
		return true;
	cuda_driver_close(d);
	return false;
}

void cuda_driver_close(CudaDriver *d)
{
	if (d->library)
		dlclose(d->library);
	memset(d, 0, sizeof *d);
}
