#include "sim/sim_inbox.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { CALL_US_MAX = 400, REMOVED_MAX = 512 };

struct sheet {
    struct inbox_webhook webhook; /* headers and body lie in bytes */
    char *bytes;
};

struct sim_tray {
    struct world *world;
    struct faults *faults;
    struct sheet *sheets; /* in the order of ids */
    size_t count;
    size_t room;
    uint64_t next_id;
    uint64_t bytes;
    uint64_t bytes_max;
    int64_t age_max_s;
    uint32_t open_inboxes;
};

struct sim_mark {
    uint64_t id;
    uint8_t mark;
};

struct sim_inbox {
    struct inbox port; /* first */
    struct sim_tray *tray;
    struct process *process;
    struct sim_mark *marks; /* not on the tray yet */
    size_t mark_count;
    size_t mark_room;
};

static struct sim_inbox *from_port(struct inbox *port)
{
    return (struct sim_inbox *)port;
}

struct sim_tray *sim_tray_new(struct world *world, struct faults *faults)
{
    struct sim_tray *tray = calloc(1, sizeof *tray);
    CHECK(tray != NULL);
    tray->world = world;
    tray->faults = faults;
    tray->next_id = 1;
    tray->bytes_max = UINT64_MAX;
    tray->age_max_s = INT64_MAX / NS_PER_S;
    return tray;
}

void sim_tray_free(struct sim_tray *tray)
{
    if (tray == NULL) return;
    CHECK(tray->open_inboxes == 0);
    for (size_t i = 0; i < tray->count; i++) free(tray->sheets[i].bytes);
    free(tray->sheets);
    free(tray);
}

void sim_tray_retain(struct sim_tray *tray, uint64_t bytes_max, int64_t age_max_s)
{
    tray->bytes_max = bytes_max;
    tray->age_max_s = age_max_s;
}

uint64_t sim_tray_count(const struct sim_tray *tray)
{
    return tray->count;
}

static void *grown(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room) return array;
    *room = *room == 0 ? 16 : *room * 2;
    void *moved = realloc(array, *room * size);
    CHECK(moved != NULL);
    return moved;
}

static struct sheet *sheet_find(const struct sim_tray *tray, uint64_t id)
{
    for (size_t i = tray->count; i > 0; i--) {
        if (tray->sheets[i - 1].webhook.id == id) return &tray->sheets[i - 1];
    }
    return NULL;
}

static void marks_write(struct sim_inbox *inbox)
{
    for (size_t i = 0; i < inbox->mark_count; i++) {
        struct sheet *sheet = sheet_find(inbox->tray, inbox->marks[i].id);
        if (sheet != NULL) sheet->webhook.mark = inbox->marks[i].mark;
    }
    inbox->mark_count = 0;
}

static size_t sheet_size(const struct inbox_webhook *webhook)
{
    return webhook->headers.len + webhook->body.len;
}

/* The oldest marked one before that time, but never the newest of all. */
static bool remove_one(struct sim_tray *tray, struct wall_time before)
{
    for (size_t i = 0; i + 1 < tray->count; i++) {
        struct sheet *sheet = &tray->sheets[i];
        if (sheet->webhook.mark == INBOX_MARK_NONE) continue;
        if (sheet->webhook.received_at.ns >= before.ns) continue;
        tray->bytes -= sheet_size(&sheet->webhook);
        free(sheet->bytes);
        tray->count--;
        memmove(sheet, sheet + 1, (tray->count - i) * sizeof *sheet);
        return true;
    }
    return false;
}

static enum status dead(struct error *out_error)
{
    return error_set(out_error, STATUS_UNAVAILABLE, "the process has crashed");
}

/* What every call begins with. Not OK: the call is over. */
static enum status enter(struct sim_inbox *inbox, enum sim_point point, struct error *out_error)
{
    struct faults *faults = inbox->tray->faults;
    if (!process_point(inbox->process, point)) return dead(out_error);
    task_sleep(inbox->tray->world,
               (int64_t)fault_between(faults, SIM_FAULT_STORE_UNAVAILABLE, 1, CALL_US_MAX) *
                   NS_PER_US);
    if (inbox->process->crashed) return dead(out_error);
    if (!fault_strikes(faults, SIM_FAULT_STORE_UNAVAILABLE)) return STATUS_OK;
    return error_set(out_error, STATUS_UNAVAILABLE, "the inbox does not answer");
}

static uint64_t sheet_add(struct sim_tray *tray, const struct inbox_webhook *webhook)
{
    tray->sheets = grown(tray->sheets, tray->count, &tray->room, sizeof *tray->sheets);
    struct sheet *sheet = &tray->sheets[tray->count++];
    *sheet = (struct sheet){ .webhook = *webhook, .bytes = malloc(sheet_size(webhook) + 1) };
    CHECK(sheet->bytes != NULL);
    struct inbox_webhook *copy = &sheet->webhook;
    if (copy->headers.len > 0) memcpy(sheet->bytes, copy->headers.data, copy->headers.len);
    copy->headers.data = sheet->bytes;
    char *body = sheet->bytes + copy->headers.len;
    if (copy->body.len > 0) memcpy(body, copy->body.data, copy->body.len);
    copy->body.data = body;
    copy->mark = INBOX_MARK_NONE;
    copy->id = tray->next_id++;
    tray->bytes += sheet_size(copy);
    return copy->id;
}

static enum status make_room(struct sim_tray *tray, uint64_t needed, struct error *out_error)
{
    while (needed > tray->bytes_max || tray->bytes > tray->bytes_max - needed) {
        if (!remove_one(tray, (struct wall_time){ INT64_MAX })) {
            return error_set(out_error, STATUS_LIMIT, "the inbox is full");
        }
    }
    return STATUS_OK;
}

static enum status sim_put(struct inbox *port, const struct inbox_webhook *webhook,
                           uint64_t *out_id, struct error *out_error)
{
    struct sim_inbox *inbox = from_port(port);
    struct faults *faults = inbox->tray->faults;
    CHECK(memchr(webhook->endpoint, 0, sizeof webhook->endpoint) != NULL);
    CHECK(webhook->headers.len <= INBOX_HEADERS_SIZE_MAX);
    CHECK(webhook->body.len <= INBOX_BODY_SIZE_MAX);
    enum status status = enter(inbox, SIM_POINT_STORE_APPEND, out_error);
    if (status != STATUS_OK) return status;
    if (fault_strikes(faults, SIM_FAULT_DISK_FULL)) {
        return error_set(out_error, STATUS_LIMIT, "the disk is full");
    }
    if (!process_point(inbox->process, SIM_POINT_STORE_FLUSH)) return dead(out_error);
    if (fault_strikes(faults, SIM_FAULT_LOST_COMMIT)) {
        return error_set(out_error, STATUS_IN_DOUBT, "the commit may be there or not");
    }
    marks_write(inbox);
    status = make_room(inbox->tray, sheet_size(webhook), out_error);
    if (status != STATUS_OK) return status;
    uint64_t id = sheet_add(inbox->tray, webhook);
    world_mix(inbox->tray->world, id);
    if (!process_point(inbox->process, SIM_POINT_STORE_APPENDED)) return dead(out_error);
    if (fault_strikes(faults, SIM_FAULT_LOST_REPLY)) {
        return error_set(out_error, STATUS_IN_DOUBT, "the commit may be there or not");
    }
    *out_id = id;
    return STATUS_OK;
}

static enum status sim_mark(struct inbox *port, uint64_t id, enum inbox_mark mark,
                            struct error *out_error)
{
    struct sim_inbox *inbox = from_port(port);
    CHECK(mark > INBOX_MARK_NONE && mark < INBOX_MARK_COUNT);
    if (!process_point(inbox->process, SIM_POINT_STORE_APPEND)) return dead(out_error);
    inbox->marks = grown(inbox->marks, inbox->mark_count, &inbox->mark_room, sizeof *inbox->marks);
    inbox->marks[inbox->mark_count++] = (struct sim_mark){ id, (uint8_t)mark };
    return STATUS_OK;
}

/* As this process knows it. */
static uint8_t mark_of(const struct sim_inbox *inbox, const struct sheet *sheet)
{
    uint8_t mark = sheet->webhook.mark;
    for (size_t i = 0; i < inbox->mark_count; i++) {
        if (inbox->marks[i].id == sheet->webhook.id) mark = inbox->marks[i].mark;
    }
    return mark;
}

static enum status sim_read(struct inbox *port, uint64_t id, struct inbox_webhook *out_webhook,
                            struct buf *out_bytes, struct error *out_error)
{
    struct sim_inbox *inbox = from_port(port);
    enum status status = enter(inbox, SIM_POINT_STORE_READ, out_error);
    if (status != STATUS_OK) return status;
    const struct sheet *sheet = sheet_find(inbox->tray, id);
    if (sheet == NULL) {
        return error_set(out_error, STATUS_NOT_FOUND, "there is no webhook %" PRIu64, id);
    }
    buf_reset(out_bytes);
    buf_append_str(out_bytes, sheet->webhook.headers);
    buf_append_str(out_bytes, sheet->webhook.body);
    if (buf_status(out_bytes) != STATUS_OK) {
        return error_set(out_error, STATUS_LIMIT, "webhook %" PRIu64 " does not fit", id);
    }
    *out_webhook = sheet->webhook;
    out_webhook->mark = mark_of(inbox, sheet);
    out_webhook->headers.data = (const char *)out_bytes->data;
    out_webhook->body.data =
        out_bytes->data == NULL ? NULL : (const char *)out_bytes->data + out_webhook->headers.len;
    return STATUS_OK;
}

static enum status sim_unmarked(struct inbox *port, uint64_t after, uint64_t *out_ids,
                                uint32_t limit, uint32_t *out_count, struct error *out_error)
{
    struct sim_inbox *inbox = from_port(port);
    enum status status = enter(inbox, SIM_POINT_STORE_READ, out_error);
    if (status != STATUS_OK) return status;
    uint32_t count = 0;
    for (size_t i = 0; i < inbox->tray->count && count < limit; i++) {
        const struct sheet *sheet = &inbox->tray->sheets[i];
        if (sheet->webhook.id <= after || mark_of(inbox, sheet) != INBOX_MARK_NONE) continue;
        out_ids[count++] = sheet->webhook.id;
    }
    *out_count = count;
    return STATUS_OK;
}

static enum status sim_find(struct inbox *port, const struct inbox_subject *subject,
                            uint64_t *out_ids, uint32_t *out_count, struct error *out_error)
{
    struct sim_inbox *inbox = from_port(port);
    CHECK(!uuid_is_nil(subject->about));
    enum status status = enter(inbox, SIM_POINT_STORE_READ, out_error);
    if (status != STATUS_OK) return status;
    uint32_t count = 0;
    for (size_t i = 0; i < inbox->tray->count && count < subject->limit; i++) {
        const struct inbox_webhook *webhook = &inbox->tray->sheets[i].webhook;
        if (webhook->id <= subject->after || !uuid_equal(webhook->about, subject->about)) continue;
        out_ids[count++] = webhook->id;
    }
    *out_count = count;
    return STATUS_OK;
}

static enum status sim_trim(struct inbox *port, struct wall_time now, uint32_t *out_count,
                            struct error *out_error)
{
    struct sim_inbox *inbox = from_port(port);
    enum status status = enter(inbox, SIM_POINT_STORE_APPEND, out_error);
    if (status != STATUS_OK) return status;
    marks_write(inbox);
    int64_t age_ns = inbox->tray->age_max_s * NS_PER_S;
    const struct wall_time before = { now.ns > age_ns ? now.ns - age_ns : 0 };
    uint32_t count = 0;
    while (count < REMOVED_MAX && remove_one(inbox->tray, before)) count++;
    if (!process_point(inbox->process, SIM_POINT_STORE_APPENDED)) return dead(out_error);
    *out_count = count;
    return STATUS_OK;
}

static void sim_close(struct inbox *port)
{
    if (port == NULL) return;
    struct sim_inbox *inbox = from_port(port);
    if (!inbox->process->crashed) marks_write(inbox);
    inbox->tray->open_inboxes--;
    free(inbox->marks);
    free(inbox);
}

struct inbox *sim_inbox_open(struct sim_tray *tray, struct process *process)
{
    struct sim_inbox *inbox = calloc(1, sizeof *inbox);
    CHECK(inbox != NULL);
    *inbox = (struct sim_inbox){ .port = { .put = sim_put,
                                           .mark = sim_mark,
                                           .read = sim_read,
                                           .unmarked = sim_unmarked,
                                           .find = sim_find,
                                           .trim = sim_trim,
                                           .close = sim_close },
                                 .tray = tray,
                                 .process = process };
    tray->open_inboxes++;
    return &inbox->port;
}
