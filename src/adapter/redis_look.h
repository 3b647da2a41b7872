/* redis_look.h - a Redis looked at from outside: what it says of itself, and values by pattern. */
#ifndef ADAPTER_REDIS_LOOK_H
#define ADAPTER_REDIS_LOOK_H

#include "adapter/redis_connection.h"
#include "base/str.h"

/*
 * Reads only, with SCAN and never KEYS, and counts as no use of a key where Redis tells (idle times
 * of values that were looked at begin anew). Each call within REDIS_LOOK_MS_MAX without an answer.
 * STATUS_UNAVAILABLE and STATUS_DENIED may come from each. One thread at a time.
 */
struct redis_look;

enum {
    REDIS_LOOK_MS_MAX = 5000,
    REDIS_LOOK_FIELDS_MAX = 64,          /* of a hash: larger ones are not read */
    REDIS_LOOK_VALUE_SIZE_MAX = 1 << 20, /* of a value or a field: the same */
};

enum status redis_look_open(const struct redis_server *server, struct redis_look **out_look,
                            struct error *out_error) MUST_CHECK;
/* Accepts NULL. */
void redis_look_close(struct redis_look *look);

/* What INFO says, a name and a value each; views are good during the visit. */
enum status redis_look_info(struct redis_look *look,
                            void (*visit)(void *owner, struct str name, struct str value),
                            void *owner, struct error *out_error) MUST_CHECK;

/* A setting; "" when it is not to be told. Good until the next call. */
struct str redis_look_setting(struct redis_look *look, const char *name);
/* A field of a hash; "" when it is not there. Good until the next call. */
struct str redis_look_field(struct redis_look *look, struct str key, const char *field);

enum redis_look_type { REDIS_LOOK_STRING, REDIS_LOOK_HASH, REDIS_LOOK_OTHER };

struct redis_look_field_value {
    struct str name;
    struct str value;
};

/* Views are good during the visit. */
struct redis_look_value {
    struct str key;
    enum redis_look_type type; /* OTHER: also when it is too large */
    int64_t ttl_ms;            /* -1: it does not expire */
    struct str text;           /* of STRING */
    uint32_t field_count;      /* of HASH */
    struct redis_look_field_value fields[REDIS_LOOK_FIELDS_MAX];
};

/*
 * Keys of a pattern as Redis has them, a page after the other until `enough` says so; one that
 * comes and goes meanwhile may be there or not, and one may come twice. visit returns the status
 * that ends it, if it is not OK. *out_all: there are no more.
 */
struct redis_look_visitor {
    enum status (*visit)(void *owner, const struct redis_look_value *value);
    bool (*enough)(void *owner);
    void *owner;
};
enum status redis_look_values(struct redis_look *look, const char *pattern,
                              const struct redis_look_visitor *visitor, bool *out_all,
                              struct error *out_error) MUST_CHECK;

#endif
