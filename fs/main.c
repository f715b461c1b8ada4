/* SPDX-License-Identifier: MIT */
/*
 * The start of writ. Descriptors 0, 1 and 2 are open from here on, so that no file of a job can
 * become somebody's standard output.
 */
#include <fcntl.h>
#include <unistd.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
	return cli_main(argc, argv);
}
