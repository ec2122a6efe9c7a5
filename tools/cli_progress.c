/* One line on standard error, rewritten at most ten times a second; where that is no terminal, a
 * plain line every ten seconds. The remaining time is told only where work is counted. */
#include "tools/cli.h"
#include <stdio.h>
#include <unistd.h>

enum { BAR = 18 };
static const int64_t second = 1000000000;

void progress_begin(Cli *c)
{
	const char *mode = opt_text(c, OPT_progress);
	Progress *p = &c->progress;
	p->mode = isatty(STDERR_FILENO) ? PROGRESS_LINE : PROGRESS_PLAIN;
	if (c->quiet || (mode && str_eq(mode, "none")))
		p->mode = PROGRESS_NONE;
	else if (mode && str_eq(mode, "line"))
		p->mode = PROGRESS_LINE;
	else if (mode && str_eq(mode, "plain"))
		p->mode = PROGRESS_PLAIN;
}

void progress_wipe(Cli *c)
{
	if (c->progress.on_line)
		fputs("\r\033[K", stderr);
	c->progress.on_line = false;
}

static void add_bar(Str *s, int64_t done, int64_t total)
{
	int full = (int)(done * BAR / total);
	str_char(s, ' ');
	for (int i = 0; i < BAR; i++)
		str_add(s, i < full ? "█" : "░");
}

static const char *line_of(Cli *c, int64_t now, int64_t done, int64_t total, const char *unit)
{
	Str s;
	str_init(&s, c->arena);
	str_fmt(&s, "%-9s", c->progress.stage);
	if (total <= 1)
		return str_text(&s);
	str_fmt(&s, " [%lld/%lld %s]", (long long)done, (long long)total, unit);
	if (c->progress.mode == PROGRESS_LINE)
		add_bar(&s, done, total);
	double spent = (double)(now - c->progress.started) * 1e-9;
	if (done > 0 && spent > 0.5)
		str_fmt(&s, "  ETA %.0f s", spent * (double)(total - done) / (double)done);
	return str_text(&s);
}

void progress_show(Cli *c, const char *stage, int64_t done, int64_t total, const char *unit)
{
	Progress *p = &c->progress;
	int64_t now = now_ns();
	if (p->mode == PROGRESS_NONE)
		return;
	bool fresh = !p->stage || !str_eq(p->stage, stage);
	if (fresh) {
		p->stage = stage;
		p->started = now;
		p->shown = p->mode == PROGRESS_PLAIN ? now : 0;
	}
	if (now - p->shown < (p->mode == PROGRESS_PLAIN ? 10 * second : second / 10))
		return;
	p->shown = now;
	ArenaMark m = arena_mark(c->arena);
	const char *line = line_of(c, now, done, total, unit);
	if (p->mode == PROGRESS_PLAIN)
		fprintf(stderr, "%s\n", line);
	else
		fprintf(stderr, "\r\033[K%s", line);
	fflush(stderr);
	p->on_line = p->mode == PROGRESS_LINE;
	arena_release(c->arena, m);
}
