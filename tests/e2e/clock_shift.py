"""Commands under a wall clock that is ahead or behind, by as many seconds as a file says."""
import os
import subprocess

from cli_harness import SCRATCH

SHIFT = os.path.join(SCRATCH, "shift")
# Loaded before the C library: the wall clock (number 0) is as many seconds ahead as a file says.
LIBRARY = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long shift_s(void)
{
    char text[32] = "";
    const char *path = getenv("CLOCK_SHIFT_FILE");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t len = read(file, text, sizeof text - 1);
    (void)close(file); /* it was only read */
    return len > 0 ? strtol(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *out_time)
{
    long result = syscall(SYS_clock_gettime, clock, out_time);
    if (result == 0 && clock == 0) out_time->tv_sec += shift_s();
    return (int)result;
}
"""


def shift(seconds):
    """For whatever runs, or will run, under shifted_clock()."""
    path = SHIFT + ".new"
    with open(path, "w", encoding="ascii") as file:
        file.write(str(seconds))
    os.rename(path, SHIFT)


def shifted_clock():
    """What a command's environment has to have."""
    library = os.path.join(SCRATCH, "clock_shift.so")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, "-x", "c", "-"],
                   input=LIBRARY, text=True, check=True)
    sanitizers = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return {"LD_PRELOAD": library, "CLOCK_SHIFT_FILE": SHIFT, "ASAN_OPTIONS": sanitizers}
