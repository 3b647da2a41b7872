#include "adapter/hashed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "adapter/thread_sync.h"
#include "base/check.h"

static enum status failed(const struct hashed_file *file, const char *what, int code,
                          struct error *out_error)
{
    enum status status = code == EFBIG ? STATUS_LIMIT : status_of_errno(code);
    return error_set(out_error, status, "cannot %s %s: %s", what, file->path, strerror(code));
}

/* What cannot be written is remembered; a file that has failed once is not written any more. */
static void lump_write(struct hashed_file *file, struct str lump)
{
    digest_stream_add(&file->digest, lump.data, lump.len);
    while (lump.len > 0 && file->failed == 0) {
        ssize_t written = write(file->descriptor, lump.data, lump.len);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            file->failed = errno;
            return;
        }
        lump = (struct str){ lump.data + written, lump.len - (size_t)written };
    }
}

static void write_beside(void *argument)
{
    struct hashed_file *file = argument;
    struct sync *sync = thread_sync();
    sync->lock(file->monitor);
    while (file->full || !file->ended) {
        if (!file->full) {
            (void)sync->wait(file->monitor, MONOTONIC_NEVER); /* what for is looked at again */
            continue;
        }
        sync->unlock(file->monitor);
        lump_write(file, buf_view(&file->held));
        sync->lock(file->monitor);
        buf_reset(&file->held);
        file->full = false;
        sync->wake_all(file->monitor);
    }
    sync->unlock(file->monitor);
}

enum status hashed_file_open(const char *path, struct hashed_file *out_file,
                             struct error *out_error)
{
    *out_file = (struct hashed_file){ .path = path };
    digest_stream_init(&out_file->digest);
    out_file->descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    out_file->open = out_file->descriptor >= 0;
    return out_file->open ? STATUS_OK : failed(out_file, "make", errno, out_error);
}

/* Waits until the thread has nothing in hand; held is then the maker's. */
static void thread_await(struct hashed_file *file)
{
    struct sync *sync = thread_sync();
    sync->lock(file->monitor);
    while (file->full) (void)sync->wait(file->monitor, MONOTONIC_NEVER); /* looked at again */
    sync->unlock(file->monitor);
}

static void thread_end(struct hashed_file *file)
{
    struct sync *sync = thread_sync();
    if (file->monitor == NULL) return;
    sync->lock(file->monitor);
    file->ended = true;
    sync->wake_all(file->monitor);
    sync->unlock(file->monitor);
    sync->join(file->task);
    sync->monitor_free(file->monitor);
    file->monitor = NULL;
    file->task = NULL;
    buf_free(&file->held);
}

static enum status thread_start(struct hashed_file *file, size_t size_max, struct error *out_error)
{
    struct sync *sync = thread_sync();
    file->monitor = sync->monitor_new(sync, "evidence");
    buf_init(&file->held, size_max);
    if (sync->spawn(sync, "evidence", write_beside, file, &file->task) == STATUS_OK)
        return STATUS_OK;
    sync->monitor_free(file->monitor);
    file->monitor = NULL;
    return error_set(out_error, STATUS_UNAVAILABLE, "no thread can be started");
}

static enum status outcome(const struct hashed_file *file, struct error *out_error)
{
    return file->failed == 0 ? STATUS_OK : failed(file, "write", file->failed, out_error);
}

enum status hashed_file_give(struct hashed_file *file, struct buf *bytes, struct error *out_error)
{
    CHECK(file->open);
    CHECK(!bytes->overflow);
    struct sync *sync = thread_sync();
    enum status status = STATUS_OK;
    if (file->monitor == NULL) status = thread_start(file, bytes->size_max, out_error);
    if (status != STATUS_OK) return status;
    thread_await(file);
    status = outcome(file, out_error);
    if (status != STATUS_OK) return status;
    struct buf empty = file->held;
    file->size += bytes->len;
    sync->lock(file->monitor);
    file->held = *bytes;
    file->full = true;
    sync->wake_all(file->monitor);
    sync->unlock(file->monitor);
    *bytes = empty;
    return STATUS_OK;
}

enum status hashed_file_finish(struct hashed_file *file, struct buf *rest,
                               struct digest *out_digest, struct error *out_error)
{
    CHECK(file->open);
    thread_end(file);
    lump_write(file, buf_view(rest));
    file->size += rest->len;
    buf_reset(rest);
    if (file->failed == 0 && fsync(file->descriptor) != 0) file->failed = errno;
    if (close(file->descriptor) != 0 && file->failed == 0) file->failed = errno;
    file->open = false;
    *out_digest = digest_stream_end(&file->digest);
    return outcome(file, out_error);
}

void hashed_file_abandon(struct hashed_file *file)
{
    if (!file->open) return;
    thread_end(file);
    (void)close(file->descriptor); /* it is removed */
    file->open = false;
}
