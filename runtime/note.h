/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What an artefact says about itself, in section .note.burin: two ELF notes of the name "Burin",
 * the prefix of its names and its metadata; and whether its packed weights are whole. Read from the
 * file, without loading or running anything of it. */
#ifndef RUNTIME_NOTE_H
#define RUNTIME_NOTE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTE_SECTION ".note.burin"
#define NOTE_NAME "Burin"
enum { NOTE_PREFIX = 1, NOTE_METADATA = 2 };

/* Head of a note with its name; the text follows, padded to 4 bytes. */
typedef struct NoteHead {
	uint32_t name_bytes, text_bytes, type;
	char name[8];
} NoteHead;

typedef struct Note {
	char *memory; /* free() it */
	const char *prefix, *metadata;
} Note;
/* NULL, or why it could not be read; then nothing is to be freed. Works for .so and .o. */
const char *note_read(const char *path, Note *out);
/* The seal of the weights that lie inside, if any do. NULL, or what is wrong. */
const char *note_check_weights(const char *path, bool *any);
/* The same of a file of packed weights in memory. */
const char *weights_check_file(const void *file, size_t bytes, bool *sealed);
#endif
