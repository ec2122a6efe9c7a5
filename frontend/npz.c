/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* NumPy's .npz: a zip archive of .npy members, stored or deflated, with Zip64 for large ones. Read
 * through the central directory as zip readers must. Stored members are looked at in place;
 * deflated ones are inflated to exactly the size that the directory promises and checked by their
 * CRC. */
#include "base/oom.h"
#include "frontend/weights.h"
#include <zlib.h>

enum {
	END_SIG = 0x06054b50,
	END64_SIG = 0x06064b50,
	LOCATOR64_SIG = 0x07064b50,
	CENTRAL_SIG = 0x02014b50,
	LOCAL_SIG = 0x04034b50,
	END_BYTES = 22,
	CENTRAL_BYTES = 46,
	LOCAL_BYTES = 30,
	MAX_MEMBERS = 100000
};

typedef struct Member {
	char *name;
	unsigned method, flags, crc;
	uint64_t packed, size, at;
} Member;

typedef struct Zip {
	WeightSet *w;
	Bytes file;
	uint64_t at, n; /* central directory: place, members */
} Zip;

static bool bad(Zip *z, const char *what)
{
	return diag_error(z->w->c->diag, (Loc){ .file = z->w->file }, E4001, "%s", what);
}

static bool bad_member(Zip *z, const Member *m, const char *what)
{
	return diag_error(z->w->c->diag, (Loc){ .file = z->w->file }, E4001, "'%.80s': %s", m->name,
			  what);
}

static bool inside(const Zip *z, uint64_t at, uint64_t n)
{
	return at <= z->file.n && n <= z->file.n - at;
}

/* Little endian, bytes checked by the caller. */
static uint64_t get(const Zip *z, uint64_t at, int bytes)
{
	uint64_t v = 0;
	for (int i = bytes - 1; i >= 0; i--)
		v = v << 8 | z->file.at[at + (uint64_t)i];
	return v;
}

static bool find_end64(Zip *z, uint64_t end)
{
	if (end < 20 || get(z, end - 20, 4) != LOCATOR64_SIG)
		return true;
	uint64_t at = get(z, end - 20 + 8, 8);
	if (!inside(z, at, 56) || get(z, at, 4) != END64_SIG)
		return bad(z, "the archive's Zip64 directory is broken");
	z->n = get(z, at + 32, 8);
	z->at = get(z, at + 48, 8);
	return true;
}

/* The end record stands at the end, before a comment of at most 64 KiB. */
static bool find_directory(Zip *z)
{
	if (z->file.n < END_BYTES)
		return bad(z, "the file is too short for an archive");
	uint64_t first = z->file.n > END_BYTES + 65535 ? z->file.n - END_BYTES - 65535 : 0;
	for (uint64_t at = z->file.n - END_BYTES + 1; at-- > first;) {
		if (get(z, at, 4) != END_SIG || get(z, at + 20, 2) != z->file.n - at - END_BYTES)
			continue;
		z->n = get(z, at + 10, 2);
		z->at = get(z, at + 16, 4);
		return find_end64(z, at);
	}
	return bad(z, "this is not an archive, or it is cut off (np.savez writes .npz files)");
}

/* Zip64: sizes of 0xffffffff stand in an extra field, in this order. */
static bool read_extra(Zip *z, Member *m, uint64_t at, uint64_t n)
{
	uint64_t *wide[3] = { &m->size, &m->packed, &m->at };
	for (uint64_t end = at + n; end - at >= 4;) {
		uint64_t id = get(z, at, 2), len = get(z, at + 2, 2);
		at += 4;
		if (len > end - at)
			return bad_member(z, m, "its directory entry is broken");
		uint64_t next = at + len;
		for (int i = 0; i < 3 && id == 1; i++)
			if (*wide[i] == 0xffffffff && next - at >= 8) {
				*wide[i] = get(z, at, 8);
				at += 8;
			}
		at = next;
	}
	return true;
}

static bool read_central(Zip *z, uint64_t *at, Member *m)
{
	if (!inside(z, *at, CENTRAL_BYTES) || get(z, *at, 4) != CENTRAL_SIG)
		return bad(z, "the archive's directory is broken");
	uint64_t name = get(z, *at + 28, 2), extra = get(z, *at + 30, 2),
		 comment = get(z, *at + 32, 2);
	if (!inside(z, *at + CENTRAL_BYTES, name + extra + comment))
		return bad(z, "the archive's directory is broken");
	*m = (Member){ .flags = (unsigned)get(z, *at + 8, 2),
		       .method = (unsigned)get(z, *at + 10, 2),
		       .crc = (unsigned)get(z, *at + 16, 4),
		       .packed = get(z, *at + 20, 4),
		       .size = get(z, *at + 24, 4),
		       .at = get(z, *at + 42, 4) };
	m->name = arena_strndup(z->w->arena, (const char *)z->file.at + *at + CENTRAL_BYTES, name);
	uint64_t extra_at = *at + CENTRAL_BYTES + name;
	*at = extra_at + extra + comment;
	return read_extra(z, m, extra_at, extra);
}

/* The member's packed bytes, behind its local header. */
static bool find_data(Zip *z, const Member *m, Bytes *out)
{
	if (!inside(z, m->at, LOCAL_BYTES) || get(z, m->at, 4) != LOCAL_SIG)
		return bad_member(z, m, "its local header is broken");
	uint64_t head = LOCAL_BYTES + get(z, m->at + 26, 2) + get(z, m->at + 28, 2);
	if (!inside(z, m->at, head) || !inside(z, m->at + head, m->packed))
		return bad_member(z, m, "its data lies outside of the file (is the file cut off?)");
	*out = (Bytes){ .at = z->file.at + m->at + head, .n = m->packed };
	return true;
}

static bool unpack(Zip *z, const Member *m, Bytes *b)
{
	/* deflate cannot pack better than 1032 : 1, so larger promises are lies and not worth the
	 * memory */
	if (m->size / 1032 > m->packed)
		return bad_member(z, m, "its size is impossible");
	unsigned char *out = arena_alloc(z->w->arena, m->size ? m->size : 1);
	z_stream s = { .next_in = (z_const Bytef *)(uintptr_t)b->at, .next_out = out };
	int rc = inflateInit2(&s, -MAX_WBITS);
	if (rc == Z_MEM_ERROR)
		oom_raise();
	if (rc != Z_OK)
		return bad_member(z, m, "zlib does not start");
	uint64_t in_left = b->n, out_left = m->size;
	while (rc == Z_OK) { /* zlib counts in 32 bits */
		uInt in = in_left > 1 << 30 ? 1 << 30 : (uInt)in_left;
		uInt room = out_left > 1 << 30 ? 1 << 30 : (uInt)out_left;
		s.avail_in = in;
		s.avail_out = room;
		rc = inflate(&s, Z_NO_FLUSH);
		in_left -= in - s.avail_in;
		out_left -= room - s.avail_out;
		if (rc == Z_OK && in == s.avail_in && room == s.avail_out)
			rc = Z_BUF_ERROR;
	}
	inflateEnd(&s);
	if (rc == Z_MEM_ERROR)
		oom_raise();
	if (rc != Z_STREAM_END || in_left || out_left)
		return bad_member(z, m, "its compressed data is broken");
	*b = (Bytes){ .at = out, .n = m->size };
	return true;
}

static bool crc_fits(const Member *m, Bytes b)
{
	uLong crc = crc32(0, NULL, 0);
	for (size_t at = 0; at < b.n; at += 1 << 30)
		crc = crc32(crc, b.at + at, b.n - at > 1 << 30 ? 1 << 30 : (uInt)(b.n - at));
	return crc == m->crc;
}

static bool read_member(Zip *z, Member *m)
{
	size_t n = strlen(m->name);
	if (n > 0 && m->name[n - 1] == '/')
		return true;
	if (!str_ends(m->name, ".npy"))
		return bad_member(z, m, "the archive holds something that is not an .npy");
	m->name[n - 4] = '\0';
	Bytes b;
	if (m->flags & 1)
		return bad_member(z, m, "it is encrypted");
	if (m->method != 0 && m->method != 8)
		return bad_member(z, m, "it is packed in a way that NumPy does not write");
	if (!find_data(z, m, &b))
		return false;
	if (m->method == 0 && m->size != m->packed)
		return bad_member(z, m, "its two sizes differ");
	if (m->method == 8 && !unpack(z, m, &b))
		return false;
	if (!crc_fits(m, b))
		return bad_member(z, m, "its checksum is wrong");
	const char *name = sym(z->w->c, m->name);
	const char *what = arena_printf(z->w->arena, "%s(%s)", z->w->file, name);
	const Blob *blob = npy_parse(z->w->c, z->w->arena, b, what, name);
	if (!blob)
		return false;
	return weights_add(z->w, name, blob) || bad_member(z, m, "the name comes twice");
}

bool npz_read(WeightSet *w, Bytes file)
{
	Zip z = { .w = w, .file = file };
	if (!find_directory(&z))
		return false;
	if (z.n > MAX_MEMBERS)
		return bad(&z, "the archive has more than 100000 members");
	bool ok = true;
	uint64_t at = z.at;
	for (uint64_t i = 0; i < z.n; i++) {
		Member m;
		if (!read_central(&z, &at, &m))
			return false;
		ok &= read_member(&z, &m);
	}
	return ok;
}
