// Compiles a model in memory with libburin, from C++, and runs it: jit MODEL.xml
#include <burin.h>
#include <cstdio>
#include <vector>

int main(int argc, char **argv)
{
	burin_graph *g = nullptr;
	burin_model *m = nullptr;
	burin_exec *e = nullptr;
	burin_opts *o = nullptr;
	burin_error err{};
	err.size = sizeof err;
	std::vector<float> x(28 * 28), y(10);
	for (size_t i = 0; i < x.size(); i++)
		x[i] = static_cast<float>(i % 13) / 13;
	if (argc != 2 || burin_opts_new(&o, &err) || burin_opts_set(o, "bind.N", "1", &err) ||
	    burin_opts_set(o, "model-weights", "random:seed=5", &err) ||
	    burin_opts_set(o, "cache", "off", &err))
		return 2;
	if (burin_read(&g, argv[1], o, nullptr, &err) ||
	    burin_compile(g, nullptr, &m, o, nullptr, &err) ||
	    burin_exec_new(&e, m, nullptr, 0, o, &err)) {
		std::fprintf(stderr, "%s (%s)\n", err.message, err.hint);
		return 1;
	}
	const burin_port *in = nullptr, *out = nullptr;
	if (burin_inputs(m, &in) != 1 || burin_outputs(m, &out) != 1)
		return 3;
	burin_tensor tx = in->spec, ty = out->spec;
	tx.data = x.data();
	ty.data = y.data();
	if (burin_run(e, &tx, 1, &ty, 1, &err)) {
		std::fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	for (float v : y)
		std::printf("%a\n", static_cast<double>(v));
	burin_exec_free(e);
	burin_model_free(m);
	burin_graph_free(g);
	burin_opts_free(o);
}
