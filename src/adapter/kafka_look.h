/* kafka_look.h - Kafka looked at from outside: topics, records, groups; nothing of it is changed. */
#ifndef ADAPTER_KAFKA_LOOK_H
#define ADAPTER_KAFKA_LOOK_H

#include "adapter/kafka_client.h"
#include "base/str.h"

/*
 * Belongs to no group and commits nothing. Sees only what is committed. Each call within
 * KAFKA_LOOK_S_MAX without progress; STATUS_UNAVAILABLE, STATUS_DENIED, STATUS_NOT_FOUND may come
 * from each. One thread at a time.
 */
struct kafka_look;

enum { KAFKA_LOOK_S_MAX = 20, KAFKA_LOOK_HEADERS_MAX = 64, KAFKA_LOOK_GROUPS_MAX = 1000 };

enum status kafka_look_open(const struct kafka_options *options, struct kafka_look **out_look,
                            struct error *out_error) MUST_CHECK;
/* Accepts NULL. */
void kafka_look_close(struct kafka_look *look);

enum status kafka_look_partitions(struct kafka_look *look, const char *topic, int32_t *out_count,
                                  struct error *out_error) MUST_CHECK;
/* Whether old records of a key may be gone: its cleanup policy has "compact". */
enum status kafka_look_compacted(struct kafka_look *look, const char *topic, bool *out_compacted,
                                 struct error *out_error) MUST_CHECK;

/* A part of a partition: offsets of `from` and before `to`. */
struct kafka_range {
    const char *topic;
    int32_t partition;
    int64_t from;
    int64_t to;
};

/* From the first record that is kept to behind the last one that is committed. */
enum status kafka_look_bounds(struct kafka_look *look, struct kafka_range *range,
                              struct error *out_error) MUST_CHECK;
/* The first offset of that time or later; range->to when there is none. */
enum status kafka_look_at(struct kafka_look *look, const struct kafka_range *range, int64_t time_ms,
                          int64_t *out_offset, struct error *out_error) MUST_CHECK;

/* Views are good during the visit. */
struct kafka_look_header {
    struct str name;
    struct str value;
};

struct kafka_look_record {
    int32_t partition;
    int64_t offset;
    int64_t time_ms; /* -1: it has none */
    struct str key;
    struct str value;      /* data NULL: it has none */
    uint32_t header_count; /* further ones are left out */
    struct kafka_look_header headers[KAFKA_LOOK_HEADERS_MAX];
};

struct kafka_visitor {
    enum status (*visit)(void *owner, const struct kafka_look_record *record,
                         struct error *out_error);
    void *owner;
};
/* In order. Another status than OK ends it, with that. */
enum status kafka_look_read(struct kafka_look *look, const struct kafka_range *range,
                            const struct kafka_visitor *visitor, struct error *out_error)
    MUST_CHECK;

/* The groups that there are, as views that are good during the visit. */
enum status kafka_look_groups(struct kafka_look *look,
                              enum status (*visit)(void *owner, const char *group), void *owner,
                              struct error *out_error) MUST_CHECK;

/* A member's share of a topic. */
struct kafka_look_member {
    const char *state; /* of the group: "Stable", "Empty" ... */
    const char *id;    /* NULL: nobody is in it */
    const char *host;
    const char *topic; /* NULL: it has none */
    int32_t partition;
};
/*
 * Members of a group, once for each partition that they have; once with topic NULL for none, and
 * for a group without members once with id NULL.
 */
enum status kafka_look_members(struct kafka_look *look, const char *group,
                               void (*visit)(void *owner, const struct kafka_look_member *member),
                               void *owner, struct error *out_error) MUST_CHECK;

/* What a group has committed in the partitions of a topic; -1: nothing. */
enum status kafka_look_committed(struct kafka_look *look, const char *group, const char *topic,
                                 int32_t partition_count, int64_t *out_offsets,
                                 struct error *out_error) MUST_CHECK;

#endif
