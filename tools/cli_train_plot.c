/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The curves of a training as a picture: losses above, other metrics below, each over the epochs.
 * Plain SVG of lines and text, with colours that are told apart also by who sees few of them; axes
 * count in steps of 1, 2 or 5 times a power of ten. A loss whose values span more than a factor of
 * fifty is drawn in powers of ten. */
#include "tools/cli_train.h"
#include <math.h>

enum { WIDTH = 720, LEFT = 64, RIGHT = 150, TOP = 34, PLOT = 230, GAP = 74, MAX_CURVES = 8 };

typedef struct Curve {
	const char *name;
	int metric;
	bool validate;
} Curve;

typedef struct Panel {
	const char *title;
	int n;
	Curve curve[MAX_CURVES];
	bool log;
	double low, high; /* of the axis; logarithms when log */
	int top;          /* where it is drawn */
} Panel;

static const char *const colour[MAX_CURVES] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7",
						"#56b4e9", "#e69f00", "#444444", "#999933" };

static double value_of(const Curve *k, const EpochRow *row)
{
	return k->validate ? row->validate[k->metric] : row->train[k->metric];
}

static double scaled(const Panel *p, double v)
{
	return p->log ? log10(v) : v;
}

static void add_curve(const Train *t, Panel *p, int metric)
{
	bool validate = t->split.part[PART_VALIDATE].n > 0;
	for (int v = 0; v <= (int)validate && p->n < MAX_CURVES; v++)
		p->curve[p->n++] = (Curve){ arena_printf(t->c->arena, "%s%s", v ? "val_" : "",
							 t->metric[metric]),
					    metric, v == 1 };
}

/* 1, 2 or 5 times a power of ten, such that `span` holds at most `most` of them. */
static double nice_step(double span, int most)
{
	double raw = span / most, power = pow(10, floor(log10(raw)));
	double step = raw / power;
	return power * (step <= 1 ? 1 : step <= 2 ? 2 : step <= 5 ? 5 : 10);
}

/* Of the axis, so that it has at most five marks; whole powers of ten when it counts in those. */
static double mark_step(const Panel *p)
{
	double step = nice_step(p->high - p->low, 5);
	return p->log && step < 1 ? 1 : step;
}

static void find_range(const Train *t, Panel *p, bool may_log)
{
	double low = INFINITY, high = -INFINITY;
	for (int i = 0; i < t->history.n; i++)
		for (int k = 0; k < p->n; k++) {
			double v = value_of(&p->curve[k], &t->history.at[i]);
			low = v < low ? v : low;
			high = v > high ? v : high;
		}
	p->log = may_log && low > 0 && high > 50 * low;
	if (!(low <= high)) /* nothing but NaN */
		low = high = 0;
	p->low = scaled(p, low);
	p->high = scaled(p, high);
	if (!(p->high > p->low)) {
		double room = fabs(p->low) > 0 ? fabs(p->low) / 2 : 1;
		p->low -= room;
		p->high += room;
	}
	double step = mark_step(p);
	p->low = floor(p->low / step) * step;
	p->high = ceil(p->high / step) * step;
}

static double x_of(const Train *t, double epoch)
{
	double last = t->history.n > 1 ? (double)t->history.n : 2;
	return LEFT + (WIDTH - LEFT - RIGHT) * (epoch - 1) / (last - 1);
}

static double y_of(const Panel *p, double v)
{
	return p->top + PLOT * (p->high - v) / (p->high - p->low);
}

static void add_text(Str *s, double x, double y, const char *anchor, const char *text)
{
	str_fmt(s, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
	for (; *text; text++)
		switch (*text) {
		case '&': str_add(s, "&amp;"); break;
		case '<': str_add(s, "&lt;"); break;
		default: str_char(s, *text);
		}
	str_add(s, "</text>\n");
}

static void add_line(Str *s, double x1, double y1, double x2, double y2, const char *stroke)
{
	str_fmt(s, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1,
		y1, x2, y2, stroke);
}

static void draw_axes(const Train *t, const Panel *p, Str *s)
{
	double step = mark_step(p);
	int last = t->history.n > 1 ? t->history.n : 2, marks = last < 10 ? last : 10;
	int every = (int)nice_step(last, marks);
	for (int i = 0; p->low + i * step < p->high + step / 2; i++) {
		double v = p->low + i * step, y = y_of(p, v);
		add_line(s, LEFT, y, WIDTH - RIGHT, y, "#dddddd");
		add_text(s, LEFT - 6, y + 4, "end",
			 arena_printf(s->arena, "%.4g", p->log ? pow(10, v) : v));
	}
	for (int e = every > 1 ? every : 1; e <= last; e += every > 1 ? every : 1) {
		double x = x_of(t, e);
		add_line(s, x, p->top + PLOT, x, p->top + PLOT + 4, "#444444");
		add_text(s, x, p->top + PLOT + 18, "middle", arena_printf(s->arena, "%d", e));
	}
	add_line(s, LEFT, p->top + PLOT, WIDTH - RIGHT, p->top + PLOT, "#444444");
	add_line(s, LEFT, p->top, LEFT, p->top + PLOT, "#444444");
	add_text(s, (LEFT + WIDTH - RIGHT) / 2.0, p->top + PLOT + 36, "middle", "epoch");
	str_add(s, "<g font-weight=\"bold\">");
	add_text(s, LEFT, p->top - 12, "start", p->title);
	str_add(s, "</g>\n");
}

static void draw_curve(const Train *t, const Panel *p, int k, Str *s)
{
	const Curve *c = &p->curve[k];
	double y = p->top + 10 + 20 * k;
	const char *dash = c->validate ? " stroke-dasharray=\"6 3\"" : "";
	str_fmt(s, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s points=\"",
		colour[k], dash);
	for (int i = 0; i < t->history.n; i++) {
		double v = scaled(p, value_of(c, &t->history.at[i]));
		if (isfinite(v))
			str_fmt(s, "%.1f,%.1f ", x_of(t, i + 1), y_of(p, v));
	}
	str_add(s, "\"/>\n");
	if (t->history.n == 1)
		str_fmt(s, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x_of(t, 1),
			y_of(p, scaled(p, value_of(c, &t->history.at[0]))), colour[k]);
	str_fmt(s,
		"<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"%s\" "
		"stroke-width=\"2\"%s/>\n",
		WIDTH - RIGHT + 12, y, WIDTH - RIGHT + 36, y, colour[k], dash);
	add_text(s, WIDTH - RIGHT + 42, y + 4, "start", c->name);
}

/* The epoch whose weights are kept. */
static void draw_best(const Train *t, const Panel *p, Str *s)
{
	if (t->at.best_epoch < 1 || t->at.best_epoch > t->history.n)
		return;
	double x = x_of(t, (double)t->at.best_epoch);
	str_fmt(s,
		"<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#888888\" "
		"stroke-dasharray=\"2 3\"/>\n",
		x, p->top, x, p->top + PLOT);
	add_text(s, x, p->top - 2, "middle", "best");
}

void plot_history(const Train *t, Str *s)
{
	Panel panel[2] = { { .title = t->metric[0], .top = TOP },
			   { .title = "metrics", .top = TOP + PLOT + GAP } };
	int n = t->n_metrics > 1 ? 2 : 1;
	add_curve(t, &panel[0], 0);
	for (int i = 1; i < t->n_metrics; i++)
		add_curve(t, &panel[1], i);
	if (t->n_metrics == 2)
		panel[1].title = t->metric[1];
	int height = TOP + n * PLOT + (n - 1) * GAP + 48;
	str_fmt(s,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
		WIDTH, height, WIDTH, height);
	for (int i = 0; i < n && t->history.n; i++) {
		find_range(t, &panel[i], i == 0);
		draw_axes(t, &panel[i], s);
		draw_best(t, &panel[i], s);
		for (int k = 0; k < panel[i].n; k++)
			draw_curve(t, &panel[i], k, s);
	}
	str_add(s, "</svg>\n");
}
