/*
 * What we send as evidence: receivers as settings, how far each was sent to as positions of relays,
 * and the events that were given up. Each kind has a coverage of its own, and so is a source.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adapter/data_folder.h"
#include "adapter/delivery_look.h"
#include "adapter/system_clock.h"
#include "base/check.h"
#include "cmd/doctor_collectors.h"
#include "webhook/endpoint.h"

enum { NAME_SIZE = 96, TEXT_SIZE = 2048, LANE_NAME_SIZE = 24, PATH_SIZE = 4096 };

struct deliveries {
    struct doctor_file file;
    struct wall_time now;
    uint32_t lane;                  /* whose events; */
    char lane_name[LANE_NAME_SIZE]; /* ".lane-1"; "" of lane 0 */
};

/* "webhook.ID", as relays and settings of a receiver are named, of other lanes with their number. */
static struct str name_of(struct uuid endpoint, const char *more, char out_name[NAME_SIZE])
{
    char id[UUID_TEXT_LEN + 1];
    uuid_format(endpoint, id);
    int len = snprintf(out_name, NAME_SIZE, "webhook.%s%s", id, more);
    CHECK(len > 0 && len < NAME_SIZE);
    return (struct str){ out_name, (size_t)len };
}

/* ---- receivers ---- */

static void setting_write(struct deliveries *all, struct uuid endpoint, const char *name,
                          struct str value)
{
    char text[NAME_SIZE];
    struct evidence_line line;
    evidence_begin(&line, &all->file.line, "config", &all->file.masked);
    evidence_time(&line, "ts", all->now);
    evidence_text(&line, "name", name_of(endpoint, name, text));
    evidence_text(&line, "value", value);
    evidence_end(&line);
}

static enum status receiver_write(void *owner, const struct endpoint_row *row,
                                  const struct relay_state *state)
{
    struct deliveries *all = owner;
    BUF_SCOPE struct buf text;
    buf_init(&text, TEXT_SIZE);
    (void)state;                         /* is told of elsewhere */
    size_t url = strcspn(row->url, "?"); /* what follows may be a secret */
    setting_write(all, row->id, ".url", (struct str){ row->url, url });
    setting_write(all, row->id, ".state",
                  row->state == ENDPOINT_ACTIVE ? STR("active") : STR("disabled"));
    for (uint32_t i = 0; i < row->filter_count; i++)
        buf_append_format(&text, "%s%.*s", i > 0 ? " " : "", ENDPOINT_ROW_FILTER_SIZE,
                          row->filters[i]);
    setting_write(all, row->id, ".filters", row->filter_count > 0 ? buf_view(&text) : STR("*"));
    buf_reset(&text);
    for (uint32_t i = 0; i < row->key_count; i++)
        buf_append_format(&text, "%s%.*s", i > 0 ? " " : "", ENDPOINT_ROW_NAME_SIZE,
                          row->keys[i].name);
    setting_write(all, row->id, ".keys", row->key_count > 0 ? buf_view(&text) : STR("none"));
    return doctor_file_rows(&all->file, 4);
}

static enum status letter_pass(void *owner, const struct dead_letter *letter)
{
    (void)owner; /* of another source */
    (void)letter;
    return STATUS_OK;
}

/* ---- positions ---- */

static struct evidence_line relay_begin(struct deliveries *all, const struct endpoint_row *row,
                                        const char *op, struct wall_time at)
{
    char name[NAME_SIZE];
    struct evidence_line line;
    evidence_begin(&line, &all->file.line, "relay", &all->file.masked);
    evidence_time(&line, "ts", at);
    evidence_text(&line, "relay", name_of(row->id, all->lane_name, name));
    evidence_word(&line, "op", op);
    return line;
}

static enum status position_write(void *owner, const struct endpoint_row *row,
                                  const struct relay_state *state)
{
    struct deliveries *all = owner;
    struct evidence_line line = relay_begin(all, row, "position", all->now);
    const struct position at = state == NULL ? row->since : state->cursor;
    bool fails = state != NULL && state->failing_at.ns > 0;
    bool ended = row->state != ENDPOINT_ACTIVE || (state != NULL && state->disabled);
    evidence_int(&line, "pos", (int64_t)(state == NULL ? row->sequence_base : state->sequence));
    evidence_int(&line, "from_lsn", (int64_t)row->since.batch);
    evidence_int(&line, "to_lsn", (int64_t)at.batch);
    evidence_end(&line);
    if (ended || fails) {
        struct wall_time since = fails ? state->failing_at : all->now;
        line = relay_begin(all, row, ended ? "stop" : "error", since);
        evidence_end(&line);
    }
    return doctor_file_rows(&all->file, 1U + (ended || fails));
}

/* ---- dead letters ---- */

static enum status receiver_pass(void *owner, const struct endpoint_row *row,
                                 const struct relay_state *state)
{
    (void)owner; /* of another source */
    (void)row;
    (void)state;
    return STATUS_OK;
}

static enum status letter_write(void *owner, const struct dead_letter *letter)
{
    struct deliveries *all = owner;
    char name[NAME_SIZE];
    char event[64];
    char why[32] = "no answer";
    struct evidence_line line;
    int len = snprintf(event, sizeof event, "%" PRIu64 "-%" PRIu32,
                       (uint64_t)letter->position.batch, (uint32_t)letter->position.index);
    CHECK(len > 0 && (size_t)len < sizeof event);
    if (letter->http_status > 0) {
        int size = snprintf(why, sizeof why, "status %u", letter->http_status);
        CHECK(size > 0 && (size_t)size < sizeof why);
    }
    evidence_begin(&line, &all->file.line, "dead_letter", &all->file.masked);
    evidence_time(&line, "ts", letter->at);
    evidence_text(&line, "group_name", name_of(letter->endpoint, all->lane_name, name));
    evidence_word(&line, "topic", "webhooks");
    evidence_int(&line, "part", all->lane);
    evidence_int(&line, "pos", (int64_t)letter->sequence);
    evidence_text(&line, "event", (struct str){ event, (size_t)len });
    evidence_int(&line, "attempts", letter->attempts);
    evidence_word(&line, "error", why);
    evidence_end(&line);
    return doctor_file_rows(&all->file, 1);
}

/* ---- sources ---- */

struct part {
    const char *name;
    const char *kind;
    const char *loss;
    bool first;   /* of lane 0, which the others follow */
    bool at_once; /* covered at this instant and no longer */
    enum status (*endpoint)(void *owner, const struct endpoint_row *row,
                            const struct relay_state *state);
    enum status (*letter)(void *owner, const struct dead_letter *letter);
};

static const struct part parts[] = {
    { "receivers", "config", "unknown", true, true, receiver_write, letter_pass },
    { "deliveries", "relay", "none", false, true, position_write, letter_pass },
    { "dead-letters", "dead_letter", "none", false, false, receiver_pass, letter_write },
};

static enum status lane_look(struct deliveries *all, const char *data,
                             const struct delivery_visitor *visitor)
{
    struct data_folder *folder = NULL;
    struct error *error = &all->file.bundle->error;
    char path[PATH_SIZE];
    if (all->lane > 0) {
        int len = snprintf(all->lane_name, sizeof all->lane_name, ".lane-%u", all->lane);
        CHECK(len > 0 && (size_t)len < sizeof all->lane_name);
    }
    enum status status = data_folder_lane_path(data, all->lane, path, sizeof path, error);
    if (status == STATUS_OK) status = data_folder_open(path, DATA_FOLDER_GUEST, &folder, error);
    if (status == STATUS_OK) status = delivery_look(folder, visitor, error);
    data_folder_close(folder);
    /* it has delivered nothing yet: there are no files */
    return all->lane > 0 && status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status part_collect(struct doctor_bundle *bundle, const char *data, uint32_t lanes,
                                const struct part *part)
{
    const char *const kinds[] = { part->kind, NULL };
    struct deliveries all = { .now = clock_wall(system_clock()) };
    struct doctor_source source = doctor_source_of(bundle, part->name, "tpwallet", kinds);
    const struct delivery_visitor visitor = { part->endpoint, part->letter, &all };
    source.authority = 30;
    source.loss = part->loss;
    if (part->at_once) source.from = source.to = all.now;
    enum status status = doctor_file_begin(bundle, &source, &all.file);
    for (; status == STATUS_OK && all.lane < (part->first ? 1 : lanes); all.lane++)
        status = lane_look(&all, data, &visitor);
    return doctor_file_end(&all.file, status);
}

enum status doctor_collect_deliveries(struct doctor_bundle *bundle,
                                      const struct invocation *invocation)
{
    uint32_t lanes = 0;
    enum status status = data_folder_count_lanes(invocation->data, &lanes, &bundle->error);
    for (size_t i = 0; status == STATUS_OK && i < sizeof parts / sizeof parts[0]; i++)
        status = part_collect(bundle, invocation->data, lanes, &parts[i]);
    return status;
}
