/* SPDX-License-Identifier: MIT */
/* What a plan has to know of the machine and of the user who runs it. */
#include <errno.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include <writfs/cleanup.h>

#include "sandbox_i.h"

static void cap_freep(cap_t *caps)
{
	if (*caps)
		(void)cap_free(*caps);
}

static bool have_caps(const cap_value_t *wanted, size_t count)
{
	cleanup_with(cap_freep) cap_t caps = cap_get_proc();
	for (size_t i = 0; i < count; i++) {
		cap_flag_value_t set = CAP_CLEAR;
		if (!caps || cap_get_flag(caps, wanted[i], CAP_EFFECTIVE, &set) < 0 ||
			set != CAP_SET)
			return false;
	}
	return true;
}

int sandbox_facts_get(struct sandbox_facts *ret, struct err *e)
{
	/* What the kernel asks of whoever writes a map of all ids. */
	static const cap_value_t map_caps[] = {CAP_SETUID, CAP_SETGID, CAP_SETFCAP};
	struct sandbox_facts facts = {.uid = geteuid(), .gid = getegid()};
	/* A set-id program would give the command rights that its caller does not have. */
	if (getuid() != facts.uid || getgid() != facts.gid)
		return err_set(e, EPERM, "writ must not be installed set-user-id or set-group-id");
	facts.real_root =
		facts.uid == 0 && have_caps(map_caps, sizeof(map_caps) / sizeof(map_caps[0]));
	facts.landlock_abi = landlock_abi();
	int r = sockets_find(facts.uid, &facts.sockets, e);
	if (r < 0)
		return r;
	*ret = facts;
	return 0;
}

void sandbox_facts_clear(struct sandbox_facts *facts)
{
	sockets_free(facts->sockets);
	memset(facts, 0, sizeof(*facts));
}
