/* Makes the system calls with the numbers of its arguments, and prints the error number of each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		long result = syscall(atol(argv[i]), 0, 0, 0, 0, 0, 0);
		printf("%s: %d\n", argv[i], result == -1 ? errno : 0);
	}
	return 0;
}
