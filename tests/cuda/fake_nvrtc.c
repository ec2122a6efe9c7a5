/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A library in the place of NVRTC, named by $BURIN_NVRTC, whose machine code is the text that it
 * was given, behind a line that says for which GPU: fake_cuda.c runs it. With FAKE_OLD it has no
 * functions for machine code, as before CUDA 11.2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Text {
	char *text;
	char arch[32];
} Text;

int nvrtcVersion(int *major, int *minor);
int nvrtcVersion(int *major, int *minor)
{
	*major = 99;
	*minor = 1;
	return 0;
}

int nvrtcGetNumSupportedArchs(int *n);
int nvrtcGetNumSupportedArchs(int *n)
{
	*n = 2;
	return 0;
}

int nvrtcGetSupportedArchs(int *arch);
int nvrtcGetSupportedArchs(int *arch)
{
	arch[0] = 80;
	arch[1] = 90;
	return 0;
}

int nvrtcCreateProgram(Text **p, const char *text, const char *name, int n,
		       const char *const *header, const char *const *header_name);
int nvrtcCreateProgram(Text **p, const char *text, const char *name, int n,
		       const char *const *header, const char *const *header_name)
{
	(void)name, (void)n, (void)header, (void)header_name;
	*p = calloc(1, sizeof **p);
	(*p)->text = strdup(text);
	return 0;
}

int nvrtcDestroyProgram(Text **p);
int nvrtcDestroyProgram(Text **p)
{
	free((*p)->text);
	free(*p);
	return 0;
}

int nvrtcCompileProgram(Text *p, int n, const char *const *option);
int nvrtcCompileProgram(Text *p, int n, const char *const *option)
{
	for (int i = 0; i < n; i++)
		if (sscanf(option[i], "--gpu-architecture=%31s", p->arch) == 1)
			return 0;
	return 1;
}

int nvrtcGetProgramLogSize(Text *p, size_t *n);
int nvrtcGetProgramLogSize(Text *p, size_t *n)
{
	(void)p;
	*n = 1;
	return 0;
}

int nvrtcGetProgramLog(Text *p, char *log);
int nvrtcGetProgramLog(Text *p, char *log)
{
	(void)p;
	*log = '\0';
	return 0;
}

#ifndef FAKE_OLD
int nvrtcGetPTXSize(Text *p, size_t *n);
int nvrtcGetPTXSize(Text *p, size_t *n)
{
	*n = strlen(p->arch) + 1 + strlen(p->text) + 1;
	return 0;
}

int nvrtcGetPTX(Text *p, char *out);
int nvrtcGetPTX(Text *p, char *out)
{
	sprintf(out, "%s\n%s", p->arch, p->text);
	return 0;
}

int nvrtcGetCUBINSize(Text *p, size_t *n);
int nvrtcGetCUBINSize(Text *p, size_t *n)
{
	return nvrtcGetPTXSize(p, n);
}

int nvrtcGetCUBIN(Text *p, char *out);
int nvrtcGetCUBIN(Text *p, char *out)
{
	return nvrtcGetPTX(p, out);
}
#endif
