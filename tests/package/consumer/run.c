/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Runs a compiled model with libburin_rt: run MODEL.so */
#include <burin.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	static float x[28 * 28], y[10];
	static int64_t in_shape[] = { 1, 1, 28, 28 }, out_shape[] = { 1, 10 };
	burin_tensor in = { 0 }, out = { 0 };
	burin_model *m = NULL;
	burin_exec *e = NULL;
	burin_error err;
	err.size = sizeof err;
	in.data = x, in.ndim = 4, in.shape = in_shape;
	out.data = y, out.ndim = 2, out.shape = out_shape;
	in.device.type = out.device.type = 1;
	in.dtype.code = out.dtype.code = 2;
	in.dtype.bits = out.dtype.bits = 32;
	in.dtype.lanes = out.dtype.lanes = 1;
	for (int i = 0; i < 28 * 28; i++)
		x[i] = (float)(i % 13) / 13;
	if (argc != 2 || burin_abi() != BURIN_ABI)
		return 2;
	if (burin_load(&m, argv[1], NULL, &err) || burin_exec_new(&e, m, NULL, 0, NULL, &err) ||
	    burin_run(e, &in, 1, &out, 1, &err)) {
		fprintf(stderr, "%s (%s)\n", err.message, err.hint);
		return 1;
	}
	for (int i = 0; i < 10; i++)
		printf("%a\n", (double)y[i]);
	burin_exec_free(e);
	burin_model_free(m);
	return 0;
}
