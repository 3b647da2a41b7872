/*
 * A request draws two words for its id, and asking the kernel each time would cost 0.4 us; so
 * each thread keeps a few unused bytes. They are zeroed as they are handed out. A fork would
 * hand them out twice: the child, where only the thread that forked goes on, drops them.
 */
#include "adapter/system_entropy.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"

enum {
    RESERVE_SIZE = 256, /* getrandom(2) never stops half way up to this size */
    RESERVE_DRAW_MAX = 64,
};

struct reserve {
    uint8_t bytes[RESERVE_SIZE];
    size_t left;
};

static _Thread_local struct reserve reserve;

static void reserve_drop(void)
{
    explicit_bzero(&reserve, sizeof reserve);
}

static void fork_watch(void)
{
    int error = pthread_atfork(NULL, NULL, reserve_drop);
    CHECK(error == 0);
}

static void kernel_fill(uint8_t *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = getrandom(bytes + done, size - done, 0);
        if (got < 0 && errno == EINTR) continue;
        CHECK(got > 0); /* without randomness no id may be made */
        done += (size_t)got;
    }
}

static void system_fill(struct entropy *entropy, void *out_bytes, size_t size)
{
    CHECK(entropy != NULL);
    CHECK(out_bytes != NULL);
    if (size > RESERVE_DRAW_MAX) { /* long keys come straight from the kernel */
        kernel_fill(out_bytes, size);
        return;
    }
    if (reserve.left < size) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        int error = pthread_once(&once, fork_watch);
        CHECK(error == 0);
        kernel_fill(reserve.bytes, RESERVE_SIZE);
        reserve.left = RESERVE_SIZE;
    }
    reserve.left -= size;
    memcpy(out_bytes, reserve.bytes + reserve.left, size);
    explicit_bzero(reserve.bytes + reserve.left, size);
}

struct entropy *system_entropy(void)
{
    static struct entropy entropy = { .fill = system_fill };
    return &entropy;
}
