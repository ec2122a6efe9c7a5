/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
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

bool progress_is_due(Cli *c)
{
	Progress *p = &c->progress;
	bool plain = p->mode == PROGRESS_PLAIN;
	int64_t now = now_ns();
	if (plain && !p->shown)
		p->shown = now;
	if (p->mode == PROGRESS_NONE || now - p->shown < (plain ? 10 * second : second / 10))
		return false;
	p->shown = now;
	return true;
}

/* What does not fit the terminal is cut off: a line that breaks could not be rewritten. */
void progress_line(Cli *c, const char *line)
{
	static const char cut[] = "\033[?7l", wrap[] = "\033[?7h";
	bool rewritten = c->progress.mode == PROGRESS_LINE;
	if (rewritten)
		fprintf(stderr, "\r\033[K%s%s%s", cut, line, wrap);
	else
		fprintf(stderr, "%s\n", line);
	fflush(stderr);
	c->progress.on_line = rewritten;
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
	if (p->mode == PROGRESS_NONE)
		return;
	bool fresh = !p->stage || !str_eq(p->stage, stage);
	if (fresh) {
		p->stage = stage;
		p->started = now_ns();
		p->shown = 0;
	}
	if (!progress_is_due(c))
		return;
	ArenaMark m = arena_mark(c->arena);
	progress_line(c, line_of(c, p->shown, done, total, unit));
	arena_release(c->arena, m);
}
