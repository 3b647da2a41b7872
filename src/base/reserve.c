/* Anonymous memory without a commitment: overcommit is the point, the limits are ours. */
#include "base/reserve.h"

#include <sys/mman.h>

#include "base/check.h"

void *reserve_new(size_t size)
{
    CHECK(size > 0);
    void *reserved = mmap(NULL, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return reserved == MAP_FAILED ? NULL : reserved;
}

void reserve_free(void *reserved, size_t size)
{
    if (reserved == NULL) return;
    int failed = munmap(reserved, size);
    CHECK(failed == 0);
}
