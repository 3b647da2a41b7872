/* The end of the file is read back from; a line is at most a part of what is looked at. */
#define _GNU_SOURCE /* memrchr */
#include "cmd/event_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/answer.h"

/* An event is at most some 100 KiB; two of them are looked at: the last one, and a torn one. */
enum { TAIL_SIZE = 1 << 20 };

static enum status failed(struct error *out_error, const char *what, const char *path)
{
    enum status status = errno == ENOENT ? STATUS_DENIED : status_of_errno(errno);
    return error_set(out_error, status, "cannot %s '%s': %s", what, path, strerror(errno));
}

static enum status last_take(struct event_file *file, struct str line, const char *path,
                             struct error *out_error)
{
    struct arena arena;
    enum status status = arena_init(&arena, answer_arena_size(line));
    if (status != STATUS_OK) return error_set(out_error, status, "no memory");
    struct answer_object event;
    status = answer_read(line, &arena, &event);
    file->has_last = status == STATUS_OK && position_parse(answer_text(&event, "id"), &file->last);
    arena_done(&arena);
    if (file->has_last) return STATUS_OK;
    status = error_set(out_error, STATUS_INVALID, "the last line of '%s' is no event", path);
    error_hint(out_error, "give another file, or take that line out");
    return status;
}

/* The tail's bytes are those before `size`. Cuts a torn line off, and reads the last whole one. */
static enum status tail_take(struct event_file *file, struct str tail, off_t size, const char *path,
                             struct error *out_error)
{
    const char *end = memrchr(tail.data, '\n', tail.len);
    if (end == NULL && (off_t)tail.len < size)
        return error_set(out_error, STATUS_INVALID, "'%s' is no file of events", path);
    size_t whole = end == NULL ? 0 : (size_t)(end - tail.data) + 1;
    if (whole < tail.len && ftruncate(file->fd, size - (off_t)(tail.len - whole)) != 0)
        return failed(out_error, "cut", path);
    if (whole == 0) return STATUS_OK; /* nothing but the beginning of a first line */
    const char *before = memrchr(tail.data, '\n', whole - 1);
    size_t from = before == NULL ? 0 : (size_t)(before - tail.data) + 1;
    return last_take(file, (struct str){ tail.data + from, whole - 1 - from }, path, out_error);
}

static enum status file_look(struct event_file *file, const char *path, struct error *out_error)
{
    struct stat about;
    if (flock(file->fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return failed(out_error, "lock", path);
        return error_set(out_error, STATUS_CONFLICT, "somebody else writes to '%s'", path);
    }
    if (fstat(file->fd, &about) != 0) return failed(out_error, "look at", path);
    if (!S_ISREG(about.st_mode))
        return error_set(out_error, STATUS_INVALID, "'%s' is no plain file", path);
    size_t size = about.st_size < TAIL_SIZE ? (size_t)about.st_size : TAIL_SIZE;
    if (size == 0) return STATUS_OK;
    BUF_SCOPE struct buf tail;
    buf_init(&tail, TAIL_SIZE);
    char *bytes = buf_extend(&tail, size);
    if (bytes == NULL) return error_set(out_error, STATUS_LIMIT, "no memory");
    ssize_t got = pread(file->fd, bytes, size, about.st_size - (off_t)size);
    if (got != (ssize_t)size) return failed(out_error, "read", path);
    return tail_take(file, buf_view(&tail), about.st_size, path, out_error);
}

enum status event_file_open(const char *path, struct event_file *out_file, struct error *out_error)
{
    struct event_file file = { .fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600) };
    if (file.fd < 0) return failed(out_error, "open", path);
    enum status status = file_look(&file, path, out_error);
    if (status == STATUS_OK)
        *out_file = file;
    else
        event_file_close(&file);
    return status;
}

void event_file_close(struct event_file *file)
{
    (void)close(file->fd); /* what was written was synchronised */
    file->fd = -1;
}

enum status event_file_append(struct event_file *file, struct str lines, struct error *out_error)
{
    while (lines.len > 0) {
        ssize_t count = write(file->fd, lines.data, lines.len);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed(out_error, "write", "the file of events");
        lines.data += count;
        lines.len -= (size_t)count;
    }
    if (fdatasync(file->fd) == 0) return STATUS_OK;
    return failed(out_error, "write", "the file of events");
}
