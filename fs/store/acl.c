/* SPDX-License-Identifier: MIT */
/*
 * POSIX ACLs in the form of the xattrs system.posix_acl_access and _default (acl(5)): a 32-bit
 * version 2, then entries of 16-bit tag, 16-bit permissions, 32-bit id, sorted by tag. libacl works
 * on files and text, not on these bytes, which are all that a file system ever sees. For real files
 * the kernel below does all this; only objects in scratch need it.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "store_i.h"

enum {
	ACL_VERSION = 2,
	TAG_USER_OBJ = 0x01,
	TAG_USER = 0x02,
	TAG_GROUP_OBJ = 0x04,
	TAG_GROUP = 0x08,
	TAG_MASK = 0x10,
	TAG_OTHER = 0x20
};

struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

static size_t acl_count(const void *value, size_t size)
{
	uint32_t version;
	if (size < 4 || (size - 4) % sizeof(struct acl_entry))
		return 0;
	memcpy(&version, value, 4);
	size_t count = (size - 4) / sizeof(struct acl_entry);
	return le32toh(version) == ACL_VERSION && count <= ACL_ENTRIES_MAX ? count : 0;
}

static struct acl_entry acl_get(const void *value, size_t i)
{
	struct acl_entry e;
	memcpy(&e, (const char *)value + 4 + i * sizeof e, sizeof e);
	e.tag = le16toh(e.tag);
	e.perm = le16toh(e.perm);
	return e;
}

static void acl_set_perm(void *value, size_t i, unsigned perm)
{
	uint16_t p = htole16((uint16_t)perm);
	memcpy((char *)value + 4 + i * sizeof(struct acl_entry) + 2, &p, sizeof p);
}

static bool acl_has_mask(const void *value, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (acl_get(value, i).tag == TAG_MASK)
			return true;
	return false;
}

int acl_inherit(void *value, size_t size, mode_t *mode)
{
	size_t count = acl_count(value, size);
	bool extended = false;
	mode_t bits = *mode & 0777;
	if (!count)
		return -EINVAL;
	bool has_mask = acl_has_mask(value, count);
	for (size_t i = 0; i < count; i++) {
		struct acl_entry e = acl_get(value, i);
		unsigned perm = e.perm & 7u;
		if (e.tag == TAG_USER_OBJ) {
			perm &= bits >> 6;
			bits = (bits & ~(mode_t)0700) | perm << 6;
		} else if (e.tag == TAG_OTHER) {
			perm &= bits & 7u;
			bits = (bits & ~(mode_t)07) | perm;
		} else if (e.tag == TAG_MASK || (e.tag == TAG_GROUP_OBJ && !has_mask)) {
			perm &= (bits >> 3) & 7u;
			bits = (bits & ~(mode_t)070) | perm << 3;
		} else if (e.tag == TAG_USER || e.tag == TAG_GROUP) {
			extended = true;
		}
		acl_set_perm(value, i, perm);
	}
	*mode = (*mode & ~(mode_t)0777) | bits;
	return extended || has_mask;
}

int acl_chmod(void *value, size_t size, mode_t mode)
{
	size_t count = acl_count(value, size);
	if (!count)
		return -EINVAL;
	bool has_mask = acl_has_mask(value, count);
	for (size_t i = 0; i < count; i++) {
		struct acl_entry e = acl_get(value, i);
		if (e.tag == TAG_USER_OBJ)
			acl_set_perm(value, i, mode >> 6 & 7);
		else if (e.tag == TAG_OTHER)
			acl_set_perm(value, i, mode & 7);
		else if (e.tag == TAG_MASK || (e.tag == TAG_GROUP_OBJ && !has_mask))
			acl_set_perm(value, i, mode >> 3 & 7);
	}
	return 0;
}

int acl_to_mode(const void *value, size_t size, mode_t *mode)
{
	size_t count = acl_count(value, size);
	mode_t bits = 0;
	bool extended = false;
	if (!count)
		return -EINVAL;
	bool has_mask = acl_has_mask(value, count);
	for (size_t i = 0; i < count; i++) {
		struct acl_entry e = acl_get(value, i);
		if (e.tag == TAG_USER_OBJ)
			bits |= (e.perm & 7u) << 6;
		else if (e.tag == TAG_OTHER)
			bits |= e.perm & 7u;
		else if (e.tag == TAG_MASK || (e.tag == TAG_GROUP_OBJ && !has_mask))
			bits |= (e.perm & 7u) << 3;
		else if (e.tag != TAG_GROUP_OBJ && e.tag != TAG_USER && e.tag != TAG_GROUP)
			return -EINVAL;
		else
			extended = extended || e.tag != TAG_GROUP_OBJ;
	}
	*mode = (*mode & ~(mode_t)0777) | bits;
	return extended || has_mask;
}
