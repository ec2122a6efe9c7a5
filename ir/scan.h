/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reading text forms: words, names, quotes, punctuation, and where they stand. Blanks and comments
 * (# to the end of the line) are skipped before what is asked for. What returns false has reported
 * E5003 at the place, the accept kind excepted. */
#ifndef IR_SCAN_H
#define IR_SCAN_H
#include "ir/context.h"
#include "base/str.h"

typedef struct Scan {
	Context *c;
	const char *p, *line_start;
	int line;
	const char *file;
} Scan;

/* Copies the text into the context (excerpts of diagnostics show it later) and starts at its
 * beginning. */
Scan scan_text(Context *c, const char *file, const char *text, size_t n);
Loc scan_loc(const Scan *s);
void scan_skip(Scan *s);
const char *scan_seen(Scan *s); /* what stands here, for messages */
bool scan_accept(Scan *s, char c);
bool scan_expect(Scan *s, char c);
/* words: letters, digits and ._-/ */
size_t scan_word_length(const char *p);
bool scan_keyword(Scan *s, const char *word); /* takes the word if it stands here */
bool scan_word(Scan *s, const char *what, const char **out);
bool scan_quoted(Scan *s, const char **out); /* at the quote */
bool scan_name(Scan *s, const char **out);   /* a word or quoted */
int scan_hex(char c);                        /* its value or -1 */
#endif
