#include "adapter/sqlite_inbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/sqlite_inbox_file.h"
#include "base/check.h"

enum {
    LINE_MAX_IN_COMMIT = 512,
    MARKS_MAX = 4096, /* not yet durable; then the next mark waits for a commit */
    REMOVED_MAX = 512,
    AGE_MAX_S_DEFAULT = 30 * 86400,
};
static const uint64_t BYTES_MAX_DEFAULT = UINT64_C(4) << 30;

/* A caller in put(), on its own stack. */
struct waiting {
    struct waiting *next;
    const struct inbox_webhook *webhook;
    uint64_t id;
    enum status status;
    struct error error;
    bool finished;
};

struct mark {
    uint64_t id;
    uint8_t mark;
};

struct sqlite_inbox {
    struct inbox port; /* first: the port's pointer is ours */
    uint64_t bytes_max;
    int64_t age_max_s;
    pthread_mutex_t mutex; /* of the line, the marks and `busy` */
    pthread_cond_t changed;
    struct waiting *first;
    struct waiting *last;
    bool busy; /* somebody writes: file and in_doubt are theirs */
    uint32_t mark_count;
    struct mark marks[MARKS_MAX];
    bool in_doubt;
    pthread_mutex_t read_mutex; /* of the reading connection */
    struct inbox_file file;
};

static struct sqlite_inbox *of_port(struct inbox *port)
{
    return (struct sqlite_inbox *)port;
}

static void enter(pthread_mutex_t *mutex)
{
    int failed = pthread_mutex_lock(mutex);
    CHECK(failed == 0);
}

static void leave(pthread_mutex_t *mutex)
{
    int failed = pthread_mutex_unlock(mutex);
    CHECK(failed == 0);
}

/* ---- writing: only by who set `busy` ---- */

static enum status make_ready(struct sqlite_inbox *inbox, struct error *out_error)
{
    if (!inbox->in_doubt) return STATUS_OK;
    enter(&inbox->read_mutex);
    enum status status = inbox_file_reopen(&inbox->file, out_error);
    leave(&inbox->read_mutex);
    if (status == STATUS_OK) inbox->in_doubt = false;
    return status == STATUS_OK || status == STATUS_CORRUPT ? status : STATUS_UNAVAILABLE;
}

static enum status write_marks(struct sqlite_inbox *inbox, uint32_t count, struct error *out_error)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        status = inbox_file_mark(&inbox->file, inbox->marks[i].id, inbox->marks[i].mark, out_error);
    }
    return status;
}

static enum status make_room(struct sqlite_inbox *inbox, uint64_t needed, uint64_t *bytes,
                             struct error *out_error)
{
    if (*bytes + needed <= inbox->bytes_max) return STATUS_OK;
    if (needed > inbox->bytes_max)
        return error_set(out_error, STATUS_LIMIT, "over the inbox's size");
    const struct inbox_file_removal removal = { { INT64_MAX },
                                                inbox->bytes_max - needed,
                                                REMOVED_MAX };
    uint32_t removed = 0;
    enum status status = inbox_file_remove(&inbox->file, &removal, bytes, &removed, out_error);
    if (status != STATUS_OK || *bytes + needed <= inbox->bytes_max) return status;
    (void)error_set(out_error, STATUS_LIMIT, "the inbox is full");
    error_hint(out_error, "webhooks are not worked off; see why, or raise the inbox's size");
    return STATUS_LIMIT;
}

static enum status write_line(struct sqlite_inbox *inbox, struct waiting *line, uint64_t *bytes,
                              struct error *out_error)
{
    uint64_t needed = 0;
    for (struct waiting *at = line; at != NULL; at = at->next) {
        needed += at->webhook->headers.len + at->webhook->body.len;
    }
    enum status status = line == NULL ? STATUS_OK : make_room(inbox, needed, bytes, out_error);
    uint64_t id = inbox->file.next_id;
    for (struct waiting *at = line; status == STATUS_OK && at != NULL; at = at->next) {
        at->id = id++;
        status = inbox_file_put(&inbox->file, at->webhook, at->id, out_error);
    }
    *bytes += needed;
    return status;
}

/* One commit: marks, then a line of webhooks, which may be empty. */
static enum status commit(struct sqlite_inbox *inbox, struct waiting *line, uint32_t mark_count,
                          struct error *out_error)
{
    enum status status = make_ready(inbox, out_error);
    if (status != STATUS_OK) return status;
    uint64_t bytes = inbox->file.bytes;
    status = inbox_file_begin(&inbox->file, out_error);
    if (status != STATUS_OK) return status;
    status = write_marks(inbox, mark_count, out_error);
    if (status == STATUS_OK) status = write_line(inbox, line, &bytes, out_error);
    status = inbox_file_end(&inbox->file, status, out_error);
    if (status == STATUS_IN_DOUBT) inbox->in_doubt = true;
    if (status != STATUS_OK) return status;
    inbox->file.bytes = bytes;
    for (struct waiting *at = line; at != NULL; at = at->next) inbox->file.next_id = at->id + 1;
    return STATUS_OK;
}

/* The mutex is held. Takes the front of the line, at most LINE_MAX_IN_COMMIT of them. */
static struct waiting *line_take(struct sqlite_inbox *inbox)
{
    struct waiting *line = inbox->first;
    struct waiting *end = line;
    for (uint32_t i = 1; end != NULL && end->next != NULL && i < LINE_MAX_IN_COMMIT; i++) {
        end = end->next;
    }
    inbox->first = end == NULL ? NULL : end->next;
    if (inbox->first == NULL) inbox->last = NULL;
    if (end != NULL) end->next = NULL;
    return line;
}

/* The mutex is held, and given away while writing. Nobody else may be writing. */
static enum status lead(struct sqlite_inbox *inbox, struct error *out_error)
{
    struct waiting *line = line_take(inbox);
    uint32_t mark_count = inbox->mark_count;
    inbox->busy = true;
    leave(&inbox->mutex);
    struct error error = { 0 };
    enum status status = commit(inbox, line, mark_count, &error);
    enter(&inbox->mutex);
    inbox->busy = false;
    if (status == STATUS_OK) {
        inbox->mark_count -= mark_count;
        memmove(inbox->marks, inbox->marks + mark_count, inbox->mark_count * sizeof(struct mark));
    }
    for (struct waiting *at = line; at != NULL; at = line) {
        line = at->next; /* the caller may be gone as soon as the mutex is free */
        at->status = status;
        at->error = error;
        at->finished = true;
    }
    (void)pthread_cond_broadcast(&inbox->changed);
    if (status != STATUS_OK && out_error != NULL) *out_error = error;
    return status;
}

/* The mutex is held. */
static void wait_idle(struct sqlite_inbox *inbox)
{
    while (inbox->busy) (void)pthread_cond_wait(&inbox->changed, &inbox->mutex);
}

static enum status inbox_put(struct inbox *port, const struct inbox_webhook *webhook,
                             uint64_t *out_id, struct error *out_error)
{
    struct sqlite_inbox *inbox = of_port(port);
    CHECK(memchr(webhook->endpoint, 0, sizeof webhook->endpoint) != NULL);
    CHECK(webhook->headers.len <= INBOX_HEADERS_SIZE_MAX);
    CHECK(webhook->body.len <= INBOX_BODY_SIZE_MAX);
    struct waiting self = { .webhook = webhook };
    enter(&inbox->mutex);
    if (inbox->last != NULL) {
        inbox->last->next = &self;
    } else {
        inbox->first = &self;
    }
    inbox->last = &self;
    while (!self.finished) {
        if (inbox->busy) {
            (void)pthread_cond_wait(&inbox->changed, &inbox->mutex);
        } else {
            (void)lead(inbox, NULL); /* those in the line, and maybe this one, are told by it */
        }
    }
    leave(&inbox->mutex);
    if (self.status != STATUS_OK && out_error != NULL) *out_error = self.error;
    if (self.status == STATUS_OK) *out_id = self.id;
    return self.status;
}

static enum status inbox_mark(struct inbox *port, uint64_t id, enum inbox_mark mark,
                              struct error *out_error)
{
    struct sqlite_inbox *inbox = of_port(port);
    CHECK(mark > INBOX_MARK_NONE && mark < INBOX_MARK_COUNT);
    enum status status = STATUS_OK;
    enter(&inbox->mutex);
    while (status == STATUS_OK && inbox->mark_count == MARKS_MAX) {
        wait_idle(inbox);
        if (inbox->mark_count == MARKS_MAX) status = lead(inbox, out_error);
    }
    if (status == STATUS_OK) {
        inbox->marks[inbox->mark_count++] = (struct mark){ id, (uint8_t)mark };
    }
    leave(&inbox->mutex);
    return status == STATUS_IN_DOUBT ? STATUS_UNAVAILABLE : status;
}

static enum status inbox_trim(struct inbox *port, struct wall_time now, uint32_t *out_count,
                              struct error *out_error)
{
    struct sqlite_inbox *inbox = of_port(port);
    enter(&inbox->mutex);
    wait_idle(inbox);
    enum status status = lead(inbox, out_error); /* so that the marks are counted */
    wait_idle(inbox);
    inbox->busy = true;
    leave(&inbox->mutex);
    uint32_t count = 0;
    if (status == STATUS_OK) status = make_ready(inbox, out_error);
    if (status == STATUS_OK) status = inbox_file_begin(&inbox->file, out_error);
    if (status == STATUS_OK) {
        int64_t age_ns = inbox->age_max_s * NS_PER_S;
        const struct inbox_file_removal removal = { { now.ns > age_ns ? now.ns - age_ns : 0 },
                                                    0,
                                                    REMOVED_MAX };
        uint64_t bytes = inbox->file.bytes;
        status = inbox_file_remove(&inbox->file, &removal, &bytes, &count, out_error);
        status = inbox_file_end(&inbox->file, status, out_error);
        if (status == STATUS_OK) inbox->file.bytes = bytes;
        if (status == STATUS_IN_DOUBT) inbox->in_doubt = true;
    }
    enter(&inbox->mutex);
    inbox->busy = false;
    (void)pthread_cond_broadcast(&inbox->changed);
    leave(&inbox->mutex);
    if (status == STATUS_OK) *out_count = count;
    return status == STATUS_IN_DOUBT ? STATUS_UNAVAILABLE : status;
}

/* ---- reading ---- */

static enum status inbox_read(struct inbox *port, uint64_t id, struct inbox_webhook *out_webhook,
                              struct buf *out_bytes, struct error *out_error)
{
    struct sqlite_inbox *inbox = of_port(port);
    enter(&inbox->read_mutex);
    enum status status = STATUS_UNAVAILABLE;
    if (inbox->file.reader == NULL) { /* a reopen failed */
        (void)error_set(out_error, STATUS_UNAVAILABLE, "the inbox is not open");
    } else {
        status = inbox_file_read(&inbox->file, id, out_webhook, out_bytes, out_error);
    }
    leave(&inbox->read_mutex);
    if (status != STATUS_OK) return status;
    enter(&inbox->mutex);
    for (uint32_t i = 0; i < inbox->mark_count; i++) {
        if (inbox->marks[i].id == id) out_webhook->mark = inbox->marks[i].mark;
    }
    leave(&inbox->mutex);
    return STATUS_OK;
}

static enum status inbox_unmarked(struct inbox *port, uint64_t after, uint64_t *out_ids,
                                  uint32_t limit, uint32_t *out_count, struct error *out_error)
{
    struct sqlite_inbox *inbox = of_port(port);
    enter(&inbox->mutex);
    wait_idle(inbox);
    enum status status = STATUS_OK;
    if (inbox->mark_count > 0 || inbox->in_doubt) status = lead(inbox, out_error);
    leave(&inbox->mutex);
    if (status != STATUS_OK) return status == STATUS_IN_DOUBT ? STATUS_UNAVAILABLE : status;
    enter(&inbox->read_mutex);
    status = STATUS_UNAVAILABLE;
    if (inbox->file.reader == NULL) {
        (void)error_set(out_error, STATUS_UNAVAILABLE, "the inbox is not open");
    } else {
        status = inbox_file_unmarked(&inbox->file, after, out_ids, limit, out_count, out_error);
    }
    leave(&inbox->read_mutex);
    return status;
}

static enum status inbox_find(struct inbox *port, const struct inbox_subject *subject,
                              uint64_t *out_ids, uint32_t *out_count, struct error *out_error)
{
    struct sqlite_inbox *inbox = of_port(port);
    enter(&inbox->read_mutex);
    enum status status = STATUS_UNAVAILABLE;
    if (inbox->file.reader == NULL) {
        (void)error_set(out_error, STATUS_UNAVAILABLE, "the inbox is not open");
    } else {
        status = inbox_file_find(&inbox->file, subject, out_ids, out_count, out_error);
    }
    leave(&inbox->read_mutex);
    return status;
}

/* ---- life ---- */

static void inbox_close(struct inbox *port)
{
    if (port == NULL) return;
    struct sqlite_inbox *inbox = of_port(port);
    if (inbox->file.writer != NULL && inbox->mark_count > 0) {
        (void)commit(inbox, NULL, inbox->mark_count, NULL); /* else they are done again */
    }
    inbox_file_close(&inbox->file);
    (void)pthread_cond_destroy(&inbox->changed); /* nobody is inside */
    (void)pthread_mutex_destroy(&inbox->read_mutex);
    (void)pthread_mutex_destroy(&inbox->mutex);
    free(inbox);
}

enum status sqlite_inbox_open(const struct sqlite_inbox_options *options, struct inbox **out_inbox,
                              struct error *out_error)
{
    struct sqlite_inbox *inbox = calloc(1, sizeof *inbox);
    CHECK(inbox != NULL);
    inbox->port = (struct inbox){ .put = inbox_put,
                                  .mark = inbox_mark,
                                  .read = inbox_read,
                                  .unmarked = inbox_unmarked,
                                  .find = inbox_find,
                                  .trim = inbox_trim,
                                  .close = inbox_close };
    inbox->bytes_max = options->bytes_max == 0 ? BYTES_MAX_DEFAULT : options->bytes_max;
    inbox->age_max_s = options->age_max_s == 0 ? AGE_MAX_S_DEFAULT : options->age_max_s;
    int failed = pthread_mutex_init(&inbox->mutex, NULL) |
                 pthread_cond_init(&inbox->changed, NULL) |
                 pthread_mutex_init(&inbox->read_mutex, NULL);
    CHECK(failed == 0);
    enum status status = inbox_file_open(&inbox->file, options->folder, options->vfs, out_error);
    if (status != STATUS_OK) {
        inbox_close(&inbox->port);
        return status;
    }
    *out_inbox = &inbox->port;
    return STATUS_OK;
}
