#include "adapter/ledger_id.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "adapter/new_file.h"
#include "adapter/system_entropy.h"

enum { MODE_FILE = 0600 };

struct uuid ledger_id_draw(void)
{
    struct uuid drawn;
    do {
        entropy_fill(system_entropy(), &drawn, sizeof drawn);
    } while (uuid_is_nil(drawn));
    return drawn;
}

static enum status damaged(const char *path, struct error *out_error)
{
    (void)error_set(out_error, STATUS_CORRUPT, "%s is damaged", path);
    error_detail(out_error, "it should be one line: the ledger's id");
    error_hint(out_error, "take it from another folder of the ledger, or from a backup");
    return STATUS_CORRUPT;
}

static enum status unreadable(const char *path, int code, struct error *out_error)
{
    enum status status = error_set(out_error, status_of_errno(code), "%s cannot be read", path);
    error_detail(out_error, "%s", strerror(code));
    error_hint(out_error, "run as the folder's owner; check the disk");
    return status;
}

enum status ledger_id_read(const char *path, struct uuid *out_ledger, struct error *out_error)
{
    char text[UUID_TEXT_LEN + 2];
    *out_ledger = (struct uuid){ 0 };
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == ENOENT) return STATUS_OK;
    if (file < 0) return unreadable(path, errno, out_error);
    ssize_t got = read(file, text, sizeof text);
    int code = errno;
    (void)close(file); /* only read */
    if (got < 0) return unreadable(path, code, out_error);
    bool whole = got == UUID_TEXT_LEN + 1 && text[UUID_TEXT_LEN] == '\n';
    struct uuid ledger;
    if (!whole || uuid_parse((struct str){ text, UUID_TEXT_LEN }, &ledger) != STATUS_OK ||
        uuid_is_nil(ledger))
        return damaged(path, out_error);
    *out_ledger = ledger;
    return STATUS_OK;
}

enum status ledger_id_write(const char *path, struct uuid ledger, struct error *out_error)
{
    char text[UUID_TEXT_LEN + 1];
    struct uuid there;
    uuid_format(ledger, text);
    text[UUID_TEXT_LEN] = '\n'; /* in the terminator's place */
    enum status status =
        new_file_write(path, (struct str){ text, sizeof text }, MODE_FILE, out_error);
    if (status != STATUS_CONFLICT) return status;
    status = ledger_id_read(path, &there, out_error);
    if (status != STATUS_OK || uuid_equal(there, ledger)) return status;
    char other[UUID_TEXT_LEN + 1];
    uuid_format(there, other);
    (void)error_set(out_error, STATUS_INVALID, "%s names another ledger", path);
    error_detail(out_error, "it names %s, and %.*s was expected", other, UUID_TEXT_LEN, text);
    error_hint(out_error, "the folder is another ledger's: name the right one");
    return STATUS_INVALID;
}
