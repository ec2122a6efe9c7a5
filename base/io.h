/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files. Read whole or mapped; opened beside a model without a way out of its folder; written so
 * that a crash leaves either the old file or the new one. No call prints, and none changes the
 * host's state but for the files themselves. */
#ifndef BASE_IO_H
#define BASE_IO_H
#include "base/arena.h"
#include "base/diag.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct IoError {
	DiagCode code;
	char text[200]; /* "no such file or directory" */
} IoError;
/* As a diagnostic at loc: "cannot open 'm.xml': no such file or directory". Returns false. */
bool io_report(Diag *d, Loc loc, const char *path, const IoError *e);

/* --- reading: a descriptor of a regular file, or -1 ------------------------------------------ */

/* By any path of the user. */
int io_open(const char *path, IoError *e);
/* A file that the model at model_path names: in the model's folder or below it, by a relative path
 * without "..", without symbolic links, and with one hard link only. */
int io_open_beside(const char *model_path, const char *name, IoError *e);
/* The two ways to do so: one call of the kernel, and step by step where it lacks that. */
int io_open_beneath(int folder, const char *name, IoError *e);
int io_walk_beneath(int folder, const char *name, IoError *e);

typedef struct IoText {
	const char *at; /* NUL behind the end */
	size_t n;
} IoText;
/* The whole file, refused when larger than cap. Closes fd in any case. */
bool io_read_fd(int fd, Arena *arena, size_t cap, IoText *out, IoError *e);
bool io_read(const char *path, Arena *arena, size_t cap, IoText *out, IoError *e);

/* Read-only mapping of the size that the file had when mapped. Who truncates the file meanwhile
 * makes the reader fault (SIGBUS): for weights, never for what must be parsed with care. */
typedef struct IoMap IoMap;
IoMap *io_map_fd(int fd, IoError *e); /* closes fd in any case; NULL on error */
IoMap *io_map(const char *path, IoError *e);
const void *io_map_data(const IoMap *m);
size_t io_map_size(const IoMap *m);
void io_unmap(IoMap *m); /* accepts NULL */
/* The pages that lie in memory for it may go; they come back from the file when they are used. */
void io_map_rest(const IoMap *m);

/* A block as long as the file, which is filled from the front to the back, each part by reading it
 * or by mapping its pages: for files that hold large tensors among what must be parsed with care.
 * What has not arrived yet is zero. Closes fd, at the latest with the map. */
IoMap *io_piecewise(int fd, size_t cap, IoError *e);
bool io_read_to(IoMap *m, size_t end, IoError *e); /* all before `end`, at least */
/* The whole pages in begin..end are mapped, the rest before `end` is read. */
bool io_map_to(IoMap *m, size_t begin, size_t end, IoError *e);
void io_settle(IoMap *m); /* all has arrived: closes the file */

/* --- writing --------------------------------------------------------------------------------- */

/* A file under a temporary name in the folder of path; io_commit brings it to the disk and gives
 * it the name. What is not a regular file (/dev/stdout, a pipe) is written directly. After an
 * error the writer stays usable and io_commit reports it. */
typedef struct IoWriter IoWriter;
IoWriter *io_create(const char *path, IoError *e);
/* It need not survive a power cut: io_commit does not wait for the disk. */
void io_scratch(IoWriter *w);
/* It may be run by whoever may read it: tools expect so of a library. */
void io_runnable(IoWriter *w);
void io_write(IoWriter *w, const void *data, size_t n);
/* The next n bytes, as zeroed memory, 64-byte aligned, for the caller to fill before the next call
 * for w: pages of the file where that begins a page and the system can do so. NULL: n is 0, or an
 * error that io_commit will report. */
void *io_place(IoWriter *w, size_t n);
/* Pages filled so far need not stay in memory; they come back when they are used. */
void io_place_rest(IoWriter *w);
/* Ends the writer in any case; on error the temporary file is gone. */
bool io_commit(IoWriter *w, IoError *e);
/* Several at once: all are complete before one gets its name, from the last to the first; when
 * one cannot be completed none does. A rename that fails, which an intact file system has no reason
 * for, leaves those before it done. *failed: which one it was. */
bool io_commit_all(IoWriter *const *w, int n, int *failed, IoError *e);
void io_abort(IoWriter *w); /* accepts NULL */
bool io_write_file(const char *path, const void *data, size_t n, IoError *e);

/* Temporary files and folders are locked by who works in them. Those in the folder of path that are
 * not were left by processes that were killed, and are removed. */
void io_sweep(const char *path);
/* Locks what was just made under that name. False: somebody swept it away, make another. */
bool io_lock_temporary(int fd, const char *name);

/* --- paths, as text -------------------------------------------------------------------------- */

const char *path_base(const char *path);           /* "a/b.xml" -> "b.xml" */
const char *path_suffix(const char *path);         /* ".xml", "" when none */
char *path_folder(Arena *arena, const char *path); /* "a", "." when none, "/" */
char *path_join(Arena *arena, const char *folder, const char *name);
char *path_with_suffix(Arena *arena, const char *path, const char *suffix); /* replaced */
#endif
