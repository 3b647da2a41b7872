/*
 * Kafka as evidence: what a topic has, by partition and offset, what was put aside, and how far each
 * group is and was. Where groups were is read from Kafka's own topic of offsets.
 */
#include <stdio.h>
#include <string.h>

#include "adapter/kafka_look.h"
#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/hex.h"
#include "cmd/doctor_collectors.h"
#include "cmd/file_bytes.h"
#include "crypto/digest.h"
#include "doctor/offset_record.h"
#include "doctor/value_map.h"

enum {
    VALUE_SIZE_MAX = 1 << 20, /* of larger ones only the hash is kept */
    RECORDS_MAX = 10000000,
};
#define OFFSETS_TOPIC "__consumer_offsets"

/* Paths of what producers usually write; those of a file count before. */
static const char map_any[] = "event = header.ce_id header.event_id header.event-id\n"
                              "trace = header.traceparent header.ce_traceparent\n"
                              "idem = header.idempotency-key header.idempotency_key\n"
                              "producer = header.ce_source header.producer\n"
                              "aggregate = header.ce_subject\n";
/* CloudEvents, and ours among them. */
static const char map_event[] =
    "event = value.id\n"
    "trace = value.traceparent\n"
    "producer = value.source\n"
    "aggregate = value.subject\n"
    "state = value.data.payment.state value.data.state\n"
    "amount = value.data.payment.amount value.data.amount\n"
    "ccy = value.data.payment.asset value.data.ccy value.data.currency\n"
    "ver = value.data.payment.version value.data.version\n"
    "idem = value.data.idempotency_key\n"
    "psp_ref = value.data.psp_ref\n"
    "account = value.data.account\n"
    "tx = value.data.tx value.data.transaction_id\n";
static const char map_plain[] = "event = value.event_id value.eventId value.event\n"
                                "trace = value.traceparent value.trace_id\n"
                                "idem = value.idempotency_key value.idempotencyKey value.idem\n"
                                "aggregate = value.aggregate value.aggregate_id\n"
                                "state = value.state\n"
                                "amount = value.amount_minor value.amount\n"
                                "ccy = value.ccy value.currency value.asset\n"
                                "ver = value.ver value.version\n"
                                "psp_ref = value.psp_ref\n"
                                "account = value.account value.account_id\n"
                                "xid = value.xid\n"
                                "tx = value.tx value.transaction_id\n";
static const char map_dead[] =
    "error = header.kafka_dlt-exception-message "
    "header.__connect.errors.exception.message header.error value.error\n"
    "group_name = header.kafka_dlt-original-consumer-group header.group\n"
    "attempts = header.attempts value.attempts\n";

struct kafka_case {
    struct doctor_bundle *bundle;
    struct kafka_look *look;
    const char *topic;
    const char *group; /* NULL: all that have committed something in the topic */
    const char *offsets;
    int32_t partition_count;
    bool dead; /* records are ones that were put aside */
    struct arena arena;
    struct value_map plain;
    struct value_map events;
    struct doctor_source source;
    struct doctor_file file;
    struct doctor_part parts[KAFKA_PARTITIONS_MAX];
    int64_t first_ms; /* of the partition at hand; -1: nothing was seen */
    int64_t last_ms;
    uint64_t seen;
    struct doctor_part groups; /* of the topic of offsets: what was seen without gap */
    bool gap;
    bool empty; /* the group has nobody in it, as far as was read */
    int32_t generation;
    int64_t committed[KAFKA_PARTITIONS_MAX];
    struct kafka_range bounds[KAFKA_PARTITIONS_MAX];
};

/* A producer may write any time; what we could not read back is the nearest that we can. */
static struct wall_time time_of(int64_t ms)
{
    static const int64_t most = INT64_MAX / NS_PER_MS - NS_PER_S / NS_PER_MS;
    if (ms < 0) ms = 0;
    if (ms > most) ms = most;
    return (struct wall_time){ ms * NS_PER_MS };
}

static int64_t now_ns(void)
{
    struct clock *clock = system_clock();
    return clock->wall(clock).ns;
}

/* ---- records ---- */

/* Numbers of headers are decimal, or big-endian bytes as Spring writes them. */
static bool number_header(const struct kafka_look_record *record, const char *names, int64_t *out)
{
    for (uint32_t i = 0; i < record->header_count; i++) {
        struct str value = record->headers[i].value;
        uint64_t number = 0;
        if (!evidence_has_word(names, ' ', record->headers[i].name)) continue;
        if (decimal_parse(value, INT64_MAX, &number) != STATUS_OK) {
            if (value.len != sizeof(int32_t) && value.len != sizeof(int64_t)) return false;
            for (size_t k = 0; k < value.len; k++) number = number << 8 | (uint8_t)value.data[k];
        }
        *out = (int64_t)number;
        return number <= INT64_MAX;
    }
    return false;
}

static struct str topic_header(const struct kafka_look_record *record)
{
    for (uint32_t i = 0; i < record->header_count; i++)
        if (evidence_has_word("kafka_dlt-original-topic __connect.errors.topic original-topic", ' ',
                              record->headers[i].name))
            return record->headers[i].value;
    return STR("");
}

/* Where a record stood; of one that was put aside where it came from, if its headers say so. */
static void place_write(const struct kafka_case *all, const struct kafka_look_record *record,
                        struct evidence_line *line)
{
    struct str topic = str_from(all->topic);
    int64_t partition = record->partition;
    int64_t offset = record->offset;
    struct str origin = all->dead ? topic_header(record) : STR("");
    int64_t from_partition;
    int64_t from_offset;
    bool known =
        origin.len > 0 &&
        number_header(record,
                      "kafka_dlt-original-partition __connect.errors.partition "
                      "original-partition",
                      &from_partition) &&
        number_header(record, "kafka_dlt-original-offset __connect.errors.offset original-offset",
                      &from_offset);
    if (known) {
        topic = origin;
        partition = from_partition;
        offset = from_offset;
    }
    evidence_text(line, "topic", topic);
    evidence_int(line, "part", partition);
    evidence_int(line, "pos", offset);
}

static void value_source_fill(struct kafka_case *all, const struct kafka_look_record *record,
                              struct value_source *source)
{
    struct error error; /* a value that is no JSON has no members, which is no error */
    *source = (struct value_source){ .key = record->key };
    for (uint32_t i = 0; i < record->header_count && i < VALUE_HEADERS_MAX; i++)
        source->headers[source->header_count++] =
            (struct value_header){ record->headers[i].name, record->headers[i].value };
    arena_reset(&all->arena);
    if (record->value.len == 0 || record->value.len > VALUE_SIZE_MAX) return;
    if (json_tree_parse(record->value, &all->arena, &source->root, &error) != STATUS_OK) {
        source->root = NULL;
        source->text = record->value;
    }
}

static enum status record_write(void *owner, const struct kafka_look_record *record,
                                struct error *out_error)
{
    struct kafka_case *all = owner;
    struct value_source source;
    struct evidence_line line;
    const char *kind = all->dead ? "dead_letter" : "message";
    (void)out_error; /* the bundle's is the same */
    value_source_fill(all, record, &source);
    bool event = json_tree_member(source.root, "specversion") != NULL;
    evidence_begin(&line, &all->file.line, kind, &all->file.masked);
    if (record->time_ms >= 0) evidence_time(&line, "ts", time_of(record->time_ms));
    place_write(all, record, &line);
    if (!all->dead) {
        evidence_text(&line, "key", record->key);
        if (record->value.data != NULL) {
            struct digest digest = digest_of(record->value.data, record->value.len);
            char hex[2 * sizeof digest.bytes + 1];
            evidence_text(&line, "value_hash", hex_format(digest.bytes, sizeof digest.bytes, hex));
        }
    }
    value_map_write(event ? &all->events : &all->plain, kind, "ts topic part pos key value_hash",
                    &source, &line);
    evidence_end(&line);
    if (all->first_ms < 0) all->first_ms = record->time_ms;
    all->last_ms = record->time_ms;
    all->seen++;
    return doctor_file_rows(&all->file, 1);
}

/* ---- a topic ---- */

static enum status offsets_parse(const struct kafka_case *all, struct kafka_range *range)
{
    if (all->offsets == NULL) return STATUS_OK;
    const char *dash = strchr(all->offsets, '-');
    uint64_t from = 0;
    uint64_t to = 0;
    bool good = dash != NULL &&
                decimal_parse((struct str){ all->offsets, (size_t)(dash - all->offsets) },
                              INT64_MAX - 1, &from) == STATUS_OK &&
                decimal_parse(str_from(dash + 1), INT64_MAX - 1, &to) == STATUS_OK && from <= to;
    if (!good)
        return error_set(&all->bundle->error, STATUS_INVALID,
                         "--offsets is FROM-TO, the first and the last one: 100-200");
    if ((int64_t)from > range->from) range->from = (int64_t)from;
    if ((int64_t)to + 1 < range->to) range->to = (int64_t)to + 1;
    return STATUS_OK;
}

/* What of a partition is asked for: the incident's window, then offsets, then the maximum. */
static enum status range_of(struct kafka_case *all, int32_t partition, struct kafka_range *range,
                            struct kafka_range *out_bounds)
{
    const struct incident *incident = &all->bundle->incident;
    struct error *error = &all->bundle->error;
    *range = (struct kafka_range){ .topic = all->topic, .partition = partition };
    enum status status = kafka_look_bounds(all->look, range, error);
    *out_bounds = *range;
    if (status == STATUS_OK && incident->from.ns > NS_PER_S)
        status = kafka_look_at(all->look, out_bounds, incident->from.ns / NS_PER_MS, &range->from,
                               error);
    if (status == STATUS_OK && incident->to.ns + NS_PER_S < now_ns())
        status = kafka_look_at(all->look, out_bounds, incident->to.ns / NS_PER_MS + 1, &range->to,
                               error);
    if (status == STATUS_OK) status = offsets_parse(all, range);
    int64_t most = RECORDS_MAX - (int64_t)all->seen;
    if (range->to - range->from > most) range->to = range->from + most;
    return status;
}

/* Narrows what the source covers to what this partition does. */
static void partition_cover(struct kafka_case *all, const struct kafka_range *range,
                            const struct kafka_range *bounds)
{
    struct doctor_part *part = &all->parts[range->partition];
    int len = snprintf(part->name, sizeof part->name, "%s/%d", all->topic, range->partition);
    CHECK(len > 0 && (size_t)len < sizeof part->name);
    part->pos_lo = range->from;
    part->pos_hi = range->to - 1;
    /* what is older than the window is of no matter; what the topic no longer has is */
    bool begins = range->from > bounds->from && all->offsets == NULL;
    if (!begins && range->from > 0) {
        int64_t first = all->first_ms < 0 ? all->source.to.ns : time_of(all->first_ms).ns;
        if (first > all->source.from.ns) all->source.from.ns = first;
    }
    bool cut =
        range->to < bounds->to && all->last_ms >= 0 && time_of(all->last_ms).ns < all->source.to.ns;
    if (cut && (all->offsets != NULL || all->seen >= RECORDS_MAX))
        all->source.to = time_of(all->last_ms);
    if (all->source.from.ns > all->source.to.ns) all->source.loss = "unknown";
    all->source.part_count++;
}

static enum status partition_read(struct kafka_case *all, int32_t partition)
{
    const struct kafka_visitor visitor = { record_write, all };
    struct kafka_range range;
    struct kafka_range bounds;
    enum status status = range_of(all, partition, &range, &bounds);
    all->first_ms = all->last_ms = -1;
    if (status == STATUS_OK)
        status = kafka_look_read(all->look, &range, &visitor, &all->bundle->error);
    if (status == STATUS_OK) partition_cover(all, &range, &bounds);
    return status;
}

static enum status topic_collect(struct kafka_case *all, const char *name, const char *const *kinds)
{
    struct error *error = &all->bundle->error;
    bool compacted = false;
    enum status status = kafka_look_partitions(all->look, all->topic, &all->partition_count, error);
    if (status == STATUS_OK && all->partition_count > KAFKA_PARTITIONS_MAX)
        status = error_set(error, STATUS_LIMIT, "'%s' has more than %d partitions", all->topic,
                           KAFKA_PARTITIONS_MAX);
    if (status == STATUS_OK)
        status = kafka_look_compacted(all->look, all->topic, &compacted, error);
    if (status != STATUS_OK) return status;
    all->source = doctor_source_of(all->bundle, name, "kafka", kinds);
    all->source.order = "partition";
    all->source.authority = 30;
    all->source.loss = compacted ? "unknown" : "none";
    all->source.parts = all->parts;
    all->seen = 0;
    status = doctor_file_begin(all->bundle, &all->source, &all->file);
    for (int32_t i = 0; status == STATUS_OK && i < all->partition_count; i++)
        status = partition_read(all, i);
    return doctor_file_end(&all->file, status);
}

/* ---- where groups are ---- */

static struct evidence_line group_line(struct kafka_case *all, const char *op, int64_t at_ns)
{
    struct evidence_line line;
    evidence_begin(&line, &all->file.line, "group_offset", &all->file.masked);
    evidence_time(&line, "ts", (struct wall_time){ at_ns });
    evidence_text(&line, "group_name", str_from(all->group));
    evidence_word(&line, "op", op);
    return line;
}

static void position_fields(const struct kafka_case *all, int32_t partition,
                            struct evidence_line *line)
{
    evidence_text(line, "topic", str_from(all->topic));
    evidence_int(line, "part", partition);
    if (all->committed[partition] >= 0) evidence_int(line, "committed", all->committed[partition]);
    evidence_int(line, "log_start", all->bounds[partition].from);
    evidence_int(line, "log_end", all->bounds[partition].to);
}

/* A member's partition; a group that nobody is in has its state told once. */
static void member_write(void *owner, const struct kafka_look_member *member)
{
    struct kafka_case *all = owner;
    bool ours = member->topic != NULL && strcmp(member->topic, all->topic) == 0 &&
                member->partition >= 0 && member->partition < all->partition_count;
    if (member->topic != NULL && !ours) return;
    struct evidence_line line = group_line(all, "position", now_ns());
    evidence_text(&line, "state", str_from(member->state));
    if (member->id != NULL) evidence_text(&line, "member", str_from(member->id));
    if (member->host != NULL) evidence_text(&line, "host", str_from(member->host));
    if (ours) position_fields(all, member->partition, &line);
    evidence_end(&line);
    all->file.rows++;
}

static enum status positions_write(struct kafka_case *all)
{
    for (int32_t i = 0; i < all->partition_count; i++) {
        if (all->committed[i] < 0) continue;
        struct evidence_line line = group_line(all, "position", now_ns());
        position_fields(all, i, &line);
        evidence_end(&line);
        enum status status = doctor_file_rows(&all->file, 1);
        if (status != STATUS_OK) return status;
    }
    enum status status =
        kafka_look_members(all->look, all->group, member_write, all, &all->bundle->error);
    return status == STATUS_OK ? doctor_file_rows(&all->file, 0) : status;
}

/* ---- where groups were ---- */

/* An offset that moves while nobody is in the group was moved by somebody from outside. */
static enum status commit_write(struct kafka_case *all, const struct offset_record *commit,
                                const struct kafka_look_record *record)
{
    bool deleted = commit->kind == OFFSET_RECORD_DELETED;
    int64_t at_ms = deleted ? record->time_ms : commit->time_ms;
    struct evidence_line line =
        group_line(all, all->empty || deleted ? "reset" : "commit", time_of(at_ms).ns);
    evidence_int(&line, "pos", record->offset);
    evidence_text(&line, "topic", commit->topic);
    evidence_int(&line, "part", commit->partition);
    if (!deleted) evidence_int(&line, "committed", commit->committed);
    if (deleted) evidence_word(&line, "state", "deleted");
    if (all->generation >= 0) evidence_int(&line, "generation", all->generation);
    evidence_end(&line);
    return doctor_file_rows(&all->file, 1);
}

static enum status generation_write(struct kafka_case *all, const struct offset_record *group,
                                    const struct kafka_look_record *record)
{
    struct evidence_line line = group_line(all, "rebalance", time_of(record->time_ms).ns);
    evidence_int(&line, "pos", record->offset);
    evidence_int(&line, "generation", group->generation);
    evidence_word(&line, "state", group->members == 0 ? "Empty" : "Stable");
    evidence_end(&line);
    all->empty = group->members == 0;
    all->generation = group->generation;
    return doctor_file_rows(&all->file, 1);
}

static enum status history_take(void *owner, const struct kafka_look_record *record,
                                struct error *out_error)
{
    struct kafka_case *all = owner;
    struct offset_record found;
    (void)out_error; /* the bundle's is the same */
    all->gap = all->gap || record->offset != all->groups.pos_hi + 1;
    all->groups.pos_hi = record->offset;
    if (offset_record_parse(record->key, record->value, &found) != STATUS_OK) {
        all->file.rejected++;
        return STATUS_OK;
    }
    if (!str_equal(found.group, str_from(all->group))) return STATUS_OK;
    bool here = found.kind != OFFSET_RECORD_GROUP && str_equal(found.topic, str_from(all->topic));
    if (here) return commit_write(all, &found, record);
    bool generation = found.kind == OFFSET_RECORD_GROUP && record->value.data != NULL;
    return generation ? generation_write(all, &found, record) : STATUS_OK;
}

/* Kafka's own topic may be kept from us: then how far groups were is not known, and that is told. */
static enum status history_read(struct kafka_case *all)
{
    struct error *error = &all->bundle->error;
    const struct kafka_visitor visitor = { history_take, all };
    struct kafka_range range = { .topic = OFFSETS_TOPIC };
    int32_t count = 0;
    enum status status = kafka_look_partitions(all->look, OFFSETS_TOPIC, &count, error);
    if (status == STATUS_OK && count > 0) {
        range.partition = offset_record_partition(str_from(all->group), count);
        status = kafka_look_bounds(all->look, &range, error);
    }
    all->groups.pos_hi = range.from - 1;
    all->gap = range.from > 0;
    all->empty = false;
    all->generation = -1;
    if (status == STATUS_OK) status = kafka_look_read(all->look, &range, &visitor, error);
    if (status == STATUS_DENIED || status == STATUS_NOT_FOUND) {
        all->source.loss = "unknown";
        return doctor_bundle_note(all->bundle, "Kafka's topic of offsets cannot be read");
    }
    if (all->gap) all->source.loss = "unknown"; /* it is compacted: older commits may be gone */
    return status;
}

static enum status group_collect(void *owner, const char *group)
{
    struct kafka_case *all = owner;
    const char *only = all->group;
    enum status status = kafka_look_committed(all->look, group, all->topic, all->partition_count,
                                              all->committed, &all->bundle->error);
    bool any = only != NULL;
    for (int32_t i = 0; i < all->partition_count; i++) any = any || all->committed[i] >= 0;
    if (status != STATUS_OK || !any) return status;
    all->group = group;
    status = positions_write(all);
    if (status == STATUS_OK) status = history_read(all);
    all->group = only;
    return status;
}

static enum status groups_collect(struct kafka_case *all)
{
    static const char *const kinds[] = { "group_offset", NULL };
    struct error *error = &all->bundle->error;
    all->source = doctor_source_of(all->bundle, "kafka-groups", "kafka", kinds);
    all->source.order = "partition";
    all->source.authority = 30;
    enum status status = doctor_file_begin(all->bundle, &all->source, &all->file);
    for (int32_t i = 0; status == STATUS_OK && i < all->partition_count; i++) {
        all->bounds[i] = (struct kafka_range){ .topic = all->topic, .partition = i };
        status = kafka_look_bounds(all->look, &all->bounds[i], error);
    }
    if (status == STATUS_OK)
        status = all->group == NULL ? kafka_look_groups(all->look, group_collect, all, error)
                                    : group_collect(all, all->group);
    return doctor_file_end(&all->file, status);
}

/* ---- all of it ---- */

/* Paths of a file count before the usual ones, of messages and of what was put aside alike. */
static enum status maps_read(struct kafka_case *all, const char *path)
{
    struct error *error = &all->bundle->error;
    BUF_SCOPE struct buf text;
    buf_init(&text, VALUE_MAP_SIZE_MAX);
    enum status status = path == NULL ? STATUS_OK : file_bytes_read(path, &text, error);
    if (status == STATUS_OK)
        status = value_map_parse(&all->plain, "message", buf_view(&text), error);
    if (status == STATUS_OK) status = value_map_parse(&all->plain, "message", STR(map_any), error);
    if (status == STATUS_OK)
        status = value_map_parse(&all->plain, "dead_letter", STR(map_dead), error);
    if (status != STATUS_OK) return status;
    all->events = all->plain;
    status = value_map_parse(&all->events, "message", STR(map_event), error);
    if (status == STATUS_OK)
        status = value_map_parse(&all->plain, "message", STR(map_plain), error);
    return status;
}

static enum status case_collect(struct kafka_case *all, const struct invocation *invocation)
{
    static const char *const messages[] = { "message", NULL };
    static const char *const letters[] = { "dead_letter", NULL };
    const char *dead_topic = invocation_text(invocation, "dead-letters");
    const struct kafka_options options = {
        invocation_text(invocation, "kafka"),
        invocation_text(invocation, "kafka-settings"),
    };
    enum status status = maps_read(all, invocation_text(invocation, "value-map"));
    if (status == STATUS_OK) status = kafka_look_open(&options, &all->look, &all->bundle->error);
    if (status == STATUS_OK) status = topic_collect(all, "kafka-topic", messages);
    if (status == STATUS_OK) status = groups_collect(all);
    if (status == STATUS_OK && dead_topic != NULL) {
        all->topic = dead_topic;
        all->offsets = NULL;
        all->dead = true;
        status = topic_collect(all, "kafka-dead-letters", letters);
    }
    kafka_look_close(all->look);
    return status;
}

enum status doctor_collect_kafka(struct doctor_bundle *bundle, const struct invocation *invocation)
{
    const char *topic = invocation_text(invocation, "topic");
    if (topic == NULL || !kafka_topic_valid(topic))
        return error_set(&bundle->error, STATUS_INVALID, "--kafka needs --topic, a topic's name");
    BUF_SCOPE struct buf memory; /* a topic may have many partitions */
    buf_init(&memory, sizeof(struct kafka_case));
    struct kafka_case *all = buf_extend(&memory, sizeof *all);
    if (all == NULL) return error_set(&bundle->error, STATUS_LIMIT, "no memory");
    memset(all, 0, sizeof *all);
    all->bundle = bundle;
    all->topic = topic;
    all->group = invocation_text(invocation, "group");
    all->offsets = invocation_text(invocation, "offsets");
    enum status status = arena_init(&all->arena, 26 * (size_t)VALUE_SIZE_MAX);
    if (status == STATUS_OK) status = case_collect(all, invocation);
    arena_done(&all->arena);
    return status;
}
