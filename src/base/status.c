/* Names and sentences are generated from the one table in the header. */
#include "base/status.h"

#include <errno.h>

#include "base/check.h"

#define STATUS_NAME(name, text) #name,
static const char *const names[] = { STATUS_TABLE(STATUS_NAME) };
#define STATUS_SENTENCE(name, text) text,
static const char *const texts[] = { STATUS_TABLE(STATUS_SENTENCE) };

const char *status_name(enum status status)
{
    CHECK(status < STATUS_COUNT);
    return names[status];
}

const char *status_text(enum status status)
{
    CHECK(status < STATUS_COUNT);
    return texts[status];
}

enum status status_of_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT: return STATUS_LIMIT;
    case EACCES:
    case EPERM:
    case EROFS: return STATUS_DENIED;
    default: return STATUS_UNAVAILABLE;
    }
}
